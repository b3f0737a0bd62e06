"""Files that the application hands to a browser."""

import asyncio

from textual_serve.download_manager import DOWNLOAD_CHUNK_SIZE, DownloadManager

SECONDS_FOR_A_PART = 60.0


class Downloads(DownloadManager):
    """Files that await their download, by key."""

    async def whole(self, key: str) -> bytes:
        """The content of a file, which its application sends in parts; then its key is unknown.

        The method `download` of the base class ends a file where the application pauses for four seconds.

        Raises `KeyError` for an unknown key, and `ConnectionError` if the application ends or hangs before the last
        part.
        """
        download = self._active_downloads[key]
        send, parts = download.app_service.send_meta, list[bytes]()
        try:
            while await send(
                {"type": "deliver_chunk_request", "key": key, "size": DOWNLOAD_CHUNK_SIZE, "name": download.name}
            ):
                part = await asyncio.wait_for(download.incoming_chunks.get(), SECONDS_FOR_A_PART)
                if part == b"":
                    return b"".join(parts)
                if part is None:
                    break
                parts.append(part)
        except TimeoutError:
            pass
        finally:
            self._active_downloads.pop(key, None)
        raise ConnectionError("the application ended or stopped answering; download the file again")
