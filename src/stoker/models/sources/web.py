"""A file at an http or https address. Its name is the last word of the address.

Where that is the name of one part of a split model, all parts are offered. What the bytes are is
found out when they come.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit, urlunsplit

from stoker.core.errors import InvalidSourceError
from stoker.models.gguf.first_bytes import check_no_archive
from stoker.models.gguf.split_names import split_name
from stoker.models.http import Http
from stoker.models.sources.base import Offer, Offered, quantization_of
from stoker.models.sources.reference import WebReference, check_file_name
from stoker.models.storing.manifest import LAYERS_MAX

_UNNAMED = "model.gguf"


@dataclass(frozen=True, slots=True)
class WebSource:
    """Fills the port `Source` for one address."""

    reference: WebReference

    async def resolve(self, client: Http) -> Offer:
        """The file, or all parts of it, with the sizes that the server tells.

        Raises:
            InvalidSourceError: the address names an archive, or a name that no file may have.
            SourceError: the server refuses or cannot be reached.
        """
        files = []
        for url in parts_of(self.reference.url):
            name = _name(url)
            check_no_archive(name)
            found = await client.head(url)
            digest = self.reference.digest if url == self.reference.url else None
            kind = quantization_of(name)
            files.append(
                Offered(name, found.size_bytes, digest, url, quantization=kind, state=found.state)
            )
        return Offer(str(self.reference), tuple(files))


def parts_of(url: str) -> Iterator[str]:
    """The addresses of all files of the model that `url` names a file of."""
    scheme, host, path, query, _ = urlsplit(url)
    split = split_name(path)
    if split is None:
        yield url
        return
    count = split.count
    if not 1 <= count <= LAYERS_MAX or not 1 <= split.number <= count:
        raise InvalidSourceError(f"The address names a part of {count}; the limit is {LAYERS_MAX}")
    for part in split.names:
        yield urlunsplit((scheme, host, part, query, ""))


def _name(url: str) -> str:
    word = unquote(urlsplit(url).path.rpartition("/")[2]).rpartition("/")[2]
    return check_file_name(word) if word else _UNNAMED
