"""Everything that can go wrong, as one tree.

    StokerError
    ├── InvalidRequestError            the caller's words are off
    │   ├── FileMissingError
    │   ├── InvalidModelNameError
    │   ├── UnsupportedParameterError
    │   ├── ContextOverflowError
    │   ├── PayloadTooLargeError
    │   ├── CannotEmbedError
    │   ├── CannotGenerateError
    │   ├── TextTooShortError
    │   ├── PatternSearchError
    │   ├── InvalidSourceError
    │   ├── SeveralFilesError
    │   ├── NameTakenError
    │   ├── InvalidMachineError
    │   ├── InvalidPlanError
    │   ├── PlanDriftError
    │   └── PlanElsewhereError
    ├── NotAllowedError                the caller may not
    │   ├── MissingKeyError
    │   ├── HostRefusedError
    │   └── OpenToNetworkError
    ├── NotFoundError
    │   └── ModelNotFoundError
    ├── ModelFileError                 the file cannot be a model for this engine
    │   ├── ModelFileMissingError
    │   ├── ModelFileEmptyError
    │   ├── ModelFileTruncatedError
    │   ├── ModelFileGarbageError
    │   ├── UnsupportedArchitectureError
    │   ├── UnsupportedModelError
    │   └── VocabularyOnlyError
    ├── SourceError                    where the model should come from
    │   ├── SourceUnreachableError
    │   ├── SourceDeniedError
    │   ├── SourceMissingError
    │   ├── SourceUnsafeError
    │   └── DigestMismatchError
    ├── NotEnoughMemoryError
    ├── CalibrationError
    ├── ContradictoryNeedsError
    ├── ModelNotLoadedError
    ├── WorkerError                    the process that holds the model failed us
    │   ├── LoadFailedError
    │   ├── LoadTimeoutError
    │   ├── WorkerLostError
    │   └── EngineError
    ├── OverloadedError                not now
    │   ├── QueueFullError
    │   ├── QueueTimeoutError
    │   └── DrainingError
    ├── ServiceError                   the service itself
    │   ├── PortInUseError
    │   ├── AlreadyRunningError
    │   └── NotRunningError
    └── HomeError                      the folder where Stoker keeps things
        ├── HomeNotWritableError
        ├── ModelInUseError
        ├── StoreDamagedError
        └── DiskFullError

The docstring of a class is its default message, its last line a hint how to mend it. Each class
has one HTTP status, one OpenAI error type and code, and one exit code of the command.
Exit codes: 1 internal, 2 usage, 3 does not fit, 4 not found, 5 model file, 6 worker,
7 service, 8 overloaded, 9 home, 10 not allowed, 11 source, 12 not measured.
"""

from __future__ import annotations

import inspect
from typing import ClassVar, Self

from stoker.core.choices import Choice


class StokerError(Exception):
    """Stoker failed.

    hint: please report it, with the command and what the log says.
    """

    http_status: ClassVar[int] = 500
    openai_type: ClassVar[str] = "server_error"
    openai_code: ClassVar[str] = "internal_error"
    exit_code: ClassVar[int] = 1
    retry_after_s: ClassVar[int | None] = None

    def __init__(self, message: str | None = None, *, hint: str | None = None) -> None:
        default_message, default_hint = _split(type(self))
        self.message = message or default_message
        self.hint = hint or default_hint
        self.choices: tuple[Choice, ...] = ()
        super().__init__(self.message)

    def with_choices(self, choices: tuple[Choice, ...]) -> Self:
        """The same, with what there is to choose from: shown as a table, not in the message."""
        self.choices = choices
        return self

    @property
    def text(self) -> str:
        """Message and hint, as one paragraph for a client."""
        return f"{self.message} ({self.hint})" if self.hint else self.message


def _split(cls: type[StokerError]) -> tuple[str, str]:
    """The default message and hint that the docstring of `cls` holds."""
    lines = inspect.cleandoc(cls.__doc__ or "").splitlines()
    hint = lines[-1].removeprefix("hint: ") if lines[-1].startswith("hint: ") else ""
    return lines[0].removesuffix("."), hint


class InvalidRequestError(StokerError):
    """The request is not valid.

    hint: see the message for the field that is off.
    """

    http_status = 400
    openai_type = "invalid_request_error"
    openai_code = "invalid_request"
    exit_code = 2

    def __init__(
        self, message: str | None = None, *, hint: str | None = None, param: str | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.param = param


class FileMissingError(InvalidRequestError):
    """There is no such file.

    hint: check the path.
    """

    openai_code = "file_missing"
    exit_code = 4


class InvalidModelNameError(InvalidRequestError):
    """That is not a model name.

    hint: use name or name:tag, each at most 96 letters, digits, dots, dashes, underscores; no path.
    """

    openai_code = "invalid_model_name"


class UnsupportedParameterError(InvalidRequestError):
    """A parameter is known but not supported yet.

    hint: leave it out.
    """

    openai_code = "unsupported_parameter"


class ContextOverflowError(InvalidRequestError):
    """The prompt is longer than the model's context.

    hint: shorten the prompt, or start the model with a larger --ctx.
    """

    openai_code = "context_length_exceeded"


class PayloadTooLargeError(InvalidRequestError):
    """The request body is too large.

    hint: send less; the limit is in the message.
    """

    http_status = 413
    openai_code = "payload_too_large"


class CannotEmbedError(InvalidRequestError):
    """This model does not make embeddings.

    hint: load an embedding model; `stoker show MODEL` says what a model is made for.
    """

    openai_code = "model_cannot_embed"


class CannotGenerateError(InvalidRequestError):
    """This model makes embeddings, and writes no text.

    hint: use a model that writes; `stoker embed MODEL TEXT` prints this one's vectors.
    """

    openai_code = "model_cannot_generate"


class TextTooShortError(InvalidRequestError):
    """The text is too short to measure anything.

    hint: give a few pages of the kind of text that the model is for.
    """

    openai_code = "text_too_short"


class PatternSearchError(InvalidRequestError):
    """A pattern could not be searched for.

    hint: write it so that no part of a text can be matched in several ways within a repeat.
    """

    openai_code = "pattern_search"


class InvalidSourceError(InvalidRequestError):
    """That does not say where a model is.

    hint: a path, https://..., hf:owner/repo[:file], ollama:name[:tag] or oci:host/name:tag.
    """

    openai_code = "invalid_source"


class SeveralFilesError(InvalidRequestError):
    """There is more than one model there.

    hint: name one of those listed.
    """

    openai_code = "several_files"


class NameTakenError(InvalidRequestError):
    """That name means another model already.

    hint: say --yes to replace it, or --as NAME to keep both.
    """

    http_status = 409
    openai_code = "name_taken"


class InvalidMachineError(InvalidRequestError):
    """That does not describe a machine.

    hint: `stoker machine --json` prints one; `stoker machine --list-presets` names others.
    """

    openai_code = "invalid_machine"


class InvalidPlanError(InvalidRequestError):
    """That is not a plan.

    hint: `stoker plan MODEL --write stoker.toml` makes one.
    """

    openai_code = "invalid_plan"


class PlanDriftError(InvalidRequestError):
    """The model is not the one that was planned.

    hint: plan it again with `stoker plan --write`, or bring back the file that was planned.
    """

    http_status = 409
    openai_code = "plan_drift"


class PlanElsewhereError(InvalidRequestError):
    """The plan is for a machine that can do what this one cannot.

    hint: plan it again on this machine with `stoker plan --write`.
    """

    http_status = 409
    openai_code = "plan_elsewhere"


class NotAllowedError(StokerError):
    """That is not allowed.

    hint: `stoker serve --help` says what may be opened, and how.
    """

    http_status = 403
    openai_type = "permission_error"
    openai_code = "not_allowed"
    exit_code = 10


class MissingKeyError(NotAllowedError):
    """The API key is missing or wrong.

    hint: send the header "Authorization: Bearer KEY" with the key the service was started with.
    """

    http_status = 401
    openai_type = "authentication_error"
    openai_code = "invalid_api_key"


class HostRefusedError(NotAllowedError):
    """The Host header names a host that this service does not serve.

    hint: use the address the service printed, or start it with --allow-host NAME.
    """

    openai_code = "host_not_allowed"


class OpenToNetworkError(NotAllowedError):
    """An address other than loopback needs an API key.

    hint: put a key into the environment variable STOKER_API_KEY, or keep --host 127.0.0.1.
    """

    openai_code = "key_required"


class NotFoundError(StokerError):
    """There is nothing here.

    hint: the endpoints are listed in the README.
    """

    http_status = 404
    openai_type = "invalid_request_error"
    openai_code = "not_found"
    exit_code = 4


class ModelNotFoundError(NotFoundError):
    """There is no such model.

    hint: use `starter` or a .gguf file; a service lists what it was given under /v1/models.
    """

    openai_code = "model_not_found"


class ModelFileError(StokerError):
    """The model file cannot be used.

    hint: fetch it again, or convert it again.
    """

    http_status = 422
    openai_type = "invalid_request_error"
    openai_code = "model_file_unusable"
    exit_code = 5


class ModelFileMissingError(ModelFileError):
    """The model file does not exist or cannot be read.

    hint: check the path and its permissions.
    """

    openai_code = "model_file_missing"
    exit_code = 4


class ModelFileEmptyError(ModelFileError):
    """The model file is empty.

    hint: the download did not begin; fetch it again.
    """

    openai_code = "model_file_empty"


class ModelFileTruncatedError(ModelFileError):
    """The model file ends before its data does.

    hint: the download or copy did not finish; fetch it again.
    """

    openai_code = "model_file_truncated"


class ModelFileGarbageError(ModelFileError):
    """The model file is not a valid GGUF file.

    hint: Stoker runs GGUF files; check that this is one and fetch it again.
    """

    openai_code = "model_file_garbage"


class UnsupportedArchitectureError(ModelFileError):
    """The engine does not know this model's architecture.

    hint: a newer Stoker may; or use another model.
    """

    openai_code = "unsupported_architecture"


class UnsupportedModelError(ModelFileError):
    """Stoker cannot convert or shrink this model.

    hint: fetch it as a .gguf file that somebody has made.
    """

    openai_code = "unsupported_model"


class VocabularyOnlyError(ModelFileError):
    """The file holds a vocabulary and no weights.

    hint: fetch the model itself; this file is only its tokenizer.
    """

    openai_code = "vocabulary_only"


class SourceError(StokerError):
    """The model's source failed us.

    hint: try again; look at the source if it stays so.
    """

    http_status = 502
    openai_code = "source_failed"
    exit_code = 11


class SourceUnreachableError(SourceError):
    """The model's source cannot be reached.

    hint: look at the network and the address.
    """

    openai_code = "source_unreachable"


class SourceDeniedError(SourceError):
    """The model's source does not let us in.

    hint: look at the address; what is only for some cannot be fetched without their credentials.
    """

    openai_code = "source_denied"


class SourceMissingError(SourceError):
    """The model's source does not have that.

    hint: look at the name, the tag and the file; it may have been renamed or removed.
    """

    http_status = 404
    openai_code = "source_missing"
    exit_code = 4


class SourceUnsafeError(SourceError):
    """The model's source did something that is not safe to follow.

    hint: nothing was kept; fetch it from somewhere that you trust.
    """

    openai_code = "source_unsafe"


class DigestMismatchError(SourceError):
    """What came is not what was announced.

    hint: nothing was kept; fetch it again, and if it fails again, do not trust the source.
    """

    openai_code = "digest_mismatch"


class NotEnoughMemoryError(StokerError):
    """The model needs more memory than there is.

    hint: use a smaller --ctx, fewer --parallel, or a smaller model.
    """

    http_status = 507
    openai_code = "not_enough_memory"
    exit_code = 3


class CalibrationError(StokerError):
    """The machine could not be calibrated.

    hint: let other programs rest, or give them time with --wait.
    """

    http_status = 503
    openai_code = "not_calibrated"
    exit_code = 12


class ContradictoryNeedsError(StokerError):
    """These needs contradict each other: nothing meets them all.

    hint: relax one of them; `stoker advise` says which would help.
    """

    http_status = 422
    openai_type = "invalid_request_error"
    openai_code = "contradictory_needs"
    exit_code = 3


class ModelNotLoadedError(StokerError):
    """The model is not loaded.

    hint: call load() first, or use the runtime in a with statement.
    """

    http_status = 503
    openai_code = "model_not_loaded"
    exit_code = 6


class WorkerError(StokerError):
    """The model's process failed.

    hint: try again; `stoker ps` shows the state of every model.
    """

    http_status = 502
    openai_code = "worker_failed"
    exit_code = 6


class LoadFailedError(WorkerError):
    """The engine could not load the model.

    hint: the engine's own words are in the message.
    """

    openai_code = "load_failed"


class LoadTimeoutError(WorkerError):
    """The model did not load in time.

    hint: a slow disk may need a longer --load-timeout.
    """

    http_status = 504
    openai_code = "load_timeout"


class WorkerLostError(WorkerError):
    """The model's process went away while it was answering.

    hint: ask again; a new process answers.
    """

    openai_code = "worker_lost"


class EngineError(WorkerError):
    """The engine refused the request.

    hint: the engine's own words are in the message.
    """

    openai_code = "engine_error"


class OverloadedError(StokerError):
    """The service cannot take this request now.

    hint: try again later.
    """

    http_status = 503
    openai_type = "overloaded_error"
    openai_code = "overloaded"
    exit_code = 8
    retry_after_s = 1


class QueueFullError(OverloadedError):
    """Too many requests wait for this model.

    hint: try again later, or start the service with more --parallel.
    """

    http_status = 429
    openai_type = "rate_limit_error"
    openai_code = "queue_full"


class QueueTimeoutError(OverloadedError):
    """No place became free in time.

    hint: try again later, or start the service with more --parallel.
    """

    openai_code = "queue_timeout"


class DrainingError(OverloadedError):
    """The service is shutting down.

    hint: try again when it is back.
    """

    openai_code = "draining"
    retry_after_s = 5


class ServiceError(StokerError):
    """The service cannot do that.

    hint: try again; what the service printed says more.
    """

    openai_code = "service_error"
    exit_code = 7


class PortInUseError(ServiceError):
    """The port is in use.

    hint: choose another with --port, or stop what uses it.
    """

    openai_code = "port_in_use"


class AlreadyRunningError(ServiceError):
    """A service already runs in this home.

    hint: stop it with `stoker stop`, or set STOKER_HOME to another folder.
    """

    openai_code = "already_running"


class NotRunningError(ServiceError):
    """No service runs in this home.

    hint: start one with `stoker serve`.
    """

    http_status = 503
    openai_code = "not_running"


class HomeError(StokerError):
    """Stoker's folder cannot be used.

    hint: set STOKER_HOME to a folder you own.
    """

    openai_code = "home_unusable"
    exit_code = 9


class HomeNotWritableError(HomeError):
    """Stoker's folder cannot be written.

    hint: make it writable, or set STOKER_HOME to a folder you own.
    """

    openai_code = "home_not_writable"


class ModelInUseError(HomeError):
    """The model is in use.

    hint: stop it first, with `stoker stop MODEL`.
    """

    http_status = 409
    openai_code = "model_in_use"


class StoreDamagedError(HomeError):
    """The store's files are not what they should be.

    hint: `stoker verify --all` finds what is damaged; pull it again.
    """

    openai_code = "store_damaged"


class DiskFullError(HomeError):
    """The disk is full.

    hint: free some space, or set STOKER_HOME to a folder on another disk.
    """

    http_status = 507
    openai_code = "disk_full"
