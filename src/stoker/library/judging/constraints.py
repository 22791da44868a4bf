"""Needs as people write them: names and values checked, unknown names refused with the nearest.

The one shape behind a needs file, the flags of `stoker advise` and the keywords of
`suggest_runtime`.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from stoker.core.costs import ApiPrice, LocalCosts
from stoker.core.errors import FileMissingError, InvalidRequestError
from stoker.core.needs import DataPlace, Needs, Operations, Quality, Stage
from stoker.files.disk import read_within

FILE_BYTES_MAX = 64 * 1024

Positive = Annotated[float, Field(gt=0, le=1e12)]
NotNegative = Annotated[float, Field(ge=0, le=1e12)]
Tokens = Annotated[int, Field(ge=1, le=1 << 24)]
Text = Annotated[str, Field(min_length=1, max_length=512, pattern=r"^[^\x00]*$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class CostsTable(_Strict):
    """The table `[costs]`: what running this machine costs."""

    purchase_usd: NotNegative | None = None
    months: Positive = 36.0
    watts_idle: NotNegative | None = None
    watts_load: NotNegative | None = None
    usd_per_kwh: NotNegative | None = None
    hours_per_day: Annotated[float, Field(gt=0, le=24)] = 24.0
    person_hours_month: NotNegative | None = None
    usd_per_person_hour: NotNegative | None = None

    @model_validator(mode="after")
    def _load_is_more_than_idle(self) -> CostsTable:
        if None not in {self.watts_idle, self.watts_load}:
            LocalCosts(watts_idle=self.watts_idle, watts_load=self.watts_load)
        return self

    def to_core(self) -> LocalCosts:
        """These costs."""
        return LocalCosts(**self.model_dump())


class ApiTable(_Strict):
    """The table `[api]`: the model that you would use, and your own prices for it, if any."""

    model: Text | None = None
    input_usd_mtok: NotNegative | None = None
    output_usd_mtok: NotNegative | None = None
    cached_input_usd_mtok: NotNegative | None = None
    priced_on: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$")] | None = None
    cached_share: Annotated[float, Field(ge=0, le=1)] = 0.0

    @model_validator(mode="after")
    def _prices_have_a_model(self) -> ApiTable:
        if self.model is None and self.given:
            raise ValueError("prices need a model")
        return self

    @property
    def given(self) -> bool:
        """Whether a price was given."""
        prices = (self.input_usd_mtok, self.output_usd_mtok, self.cached_input_usd_mtok)
        return any(price is not None for price in prices)

    def price(self) -> ApiPrice | None:
        """The given price; None where the package of prices is to be asked."""
        if self.model is None or not self.given:
            return None
        return ApiPrice(
            reference=self.model,
            input_usd_mtok=self.input_usd_mtok,
            output_usd_mtok=self.output_usd_mtok,
            cached_input_usd_mtok=self.cached_input_usd_mtok,
            dated=self.priced_on or "",
            source="given",
        )


class Constraints(_Strict):
    """All that advice can be asked with; what is left out is not stated."""

    data: Annotated[DataPlace, Field(strict=False)] | None = None
    offline: bool = False
    quality: Annotated[Quality, Field(strict=False)] | None = None
    stage: Annotated[Stage, Field(strict=False)] = Stage.PRODUCTION
    operations: Annotated[Operations, Field(strict=False)] | None = None
    ttft_s_max: Positive | None = None
    tok_s_min: Positive | None = None
    requests_per_day: NotNegative | None = None
    prompt_tokens: Tokens | None = None
    answer_tokens: Tokens | None = None
    concurrency: Annotated[int, Field(ge=1, le=4096)] = 1
    context: Tokens | None = None
    budget_usd_month: NotNegative | None = None
    local_share: Annotated[float, Field(ge=0, le=1)] | None = None
    tasks: Text | None = None
    right_share_least: Annotated[float, Field(gt=0, le=1)] | None = None
    costs: CostsTable = CostsTable()
    api: ApiTable = ApiTable()

    @model_validator(mode="after")
    def _only_mixed_data_has_a_share(self) -> Constraints:
        if self.local_share is not None and self.data is not DataPlace.MIXED:
            raise ValueError("local_share is of mixed data: state data = mixed as well")
        return self

    @property
    def unstated(self) -> frozenset[str]:
        """The needs that nobody stated, whatever value they have nevertheless."""
        return frozenset(Needs.__dataclass_fields__) - self.model_fields_set

    def to_needs(self) -> Needs:
        """The needs among them."""
        return Needs(**{name: getattr(self, name) for name in Needs.__dataclass_fields__})


def read_constraints(document: Mapping[str, Any]) -> Constraints:
    """`document`, as a needs file has it, checked.

    Raises:
        InvalidRequestError: a name that is not known, with the nearest that is; or a value that
            is out of its bounds.
    """
    try:
        return Constraints.model_validate(document)
    except ValidationError as error:
        raise _explain(error.errors(include_url=False, include_input=False)[0]) from None


def read_document(path: Path) -> dict[str, Any]:
    """The needs file at `path`, not yet checked.

    Raises:
        FileMissingError: there is no such file.
        InvalidRequestError: it cannot be read, is larger than 64 KiB, or it is not TOML.
    """
    try:
        text = read_within(path, FILE_BYTES_MAX)
    except OSError as error:
        kind = FileMissingError if isinstance(error, FileNotFoundError) else InvalidRequestError
        raise kind(
            f"The needs cannot be read: {error.strerror}", hint="give a TOML file"
        ) from error
    if text is None:
        raise InvalidRequestError("The needs are larger than 64 KiB", hint="give a shorter file")
    try:
        return tomllib.loads(text.decode())
    except (ValueError, RecursionError) as error:
        raise InvalidRequestError(
            f"The needs are not TOML: {error}", hint="`stoker advise --help` shows an example"
        ) from None


def known_names(table: str = "") -> tuple[str, ...]:
    """The names that a needs file may have, at its top or in one of its tables."""
    shapes: Mapping[str, type[BaseModel]] = {"": Constraints, "costs": CostsTable, "api": ApiTable}
    return tuple(shapes[table].model_fields) if table in shapes else ()


def _explain(detail: ErrorDetails) -> InvalidRequestError:
    place = [str(part)[:64] for part in detail["loc"] if isinstance(part, str)]
    place = ["".join(c if c.isprintable() else "?" for c in part) for part in place]
    field = ".".join(place)
    if detail["type"] == "extra_forbidden":
        hint = _nearest(place[-1], ".".join(place[:-1]))
        return InvalidRequestError(f"{field} is not a need", hint=hint, param=field)
    what = detail["msg"].removeprefix("Value error, ")
    if detail["type"] == "model_type":
        what = "it must be a table" if field else "needs must be a table"
    return InvalidRequestError(
        f"{field}: {what}" if field else what,
        hint="`stoker advise --help` says what each need takes",
        param=field or None,
    )


def _nearest(name: str, table: str) -> str:
    """A hint at the nearest name: in the same table, else in another."""
    for other in (table, "", "costs", "api"):
        if near := difflib.get_close_matches(name, known_names(other), n=1):
            place = f" in the table [{other}]" if other and other != table else ""
            return f"did you mean {near[0]}{place}?"
    return "`stoker advise --help` lists the names"
