"""Pieces to the workers of Dask, parts back. Workers read the frames themselves.

A piece whose worker dies is given to another one; after the number of deaths that the scheduler allows
(`distributed.scheduler.allowed-failures`) the run ends, as it is then the piece that kills.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from cgcore.cluster.parcel import Parcel
from cgcore.data.batches import Piece
from cgcore.errors import InputError
from cgcore.factor.execution import Execute
from cgcore.factor.work import Part, Work

if TYPE_CHECKING:
    from distributed import Client

AHEAD, BYTES_AHEAD = 1000, 2**27
"""Pieces that are handed over and not done yet, at most: enough for as many cores; and the bytes of what travels with
them, at most, but for one piece."""


def on_workers(client: Client) -> Execute:
    """Execution by the workers of a cluster.

    Arguments:
        client: of its scheduler.
    """

    def execute(work: Work, pieces: Sequence[Piece]) -> Iterator[tuple[int, Part]]:
        from distributed import as_completed

        run, mine = uuid4().hex, version("cgcore")
        # A task and not data that are scattered: it is made again where the workers that hold it are lost.
        shared = client.submit(_itself, work, key=f"cgcore-work-{run}")
        handed: dict[Any, tuple[int, int]] = {}
        number = weight = 0
        done = as_completed(loop=client.loop)
        try:
            while handed or number < len(pieces):
                while number < len(pieces) and len(handed) < AHEAD and (weight < BYTES_AHEAD or not handed):
                    parcel = Parcel.of(pieces[number])
                    future = client.submit(_part, shared, parcel, mine, key=f"cgcore-part-{run}-{number}")
                    handed[future] = number, parcel.nbytes
                    weight += parcel.nbytes
                    number += 1
                    done.add(future)
                future = next(done)
                which, freed = handed.pop(future)
                weight -= freed
                yield which, _result(future)
        finally:
            for future in (*handed, shared):
                future.release()  # what nobody waits for is not computed

    return execute


def _itself(work: Work) -> Work:
    return work


def _part(work: Work, parcel: Parcel, wanted: str) -> Part:
    """On a worker."""
    from distributed import get_worker

    where = get_worker().address
    if (mine := version("cgcore")) != wanted:
        raise InputError(
            f"worker {where} has cgcore {mine}, but this process has {wanted}; install the same version on both"
        )
    parcel.require_files(where)
    return work.of_piece(parcel.piece())


def _result(future: Any) -> Part:
    """The part of a task that has ended.

    Raises:
        InputError: the task failed, its workers died, or the scheduler is gone.
    """
    from concurrent.futures import CancelledError

    from distributed.scheduler import KilledWorker

    try:
        return future.result()
    except InputError:
        raise
    except KilledWorker as error:
        raise InputError(
            "a piece of the data was lost with each worker that had it; look into the workers' logs and give them more "
            "memory"
        ) from error
    except (CancelledError, OSError) as error:
        raise InputError("the scheduler is gone; start it and its workers, and run the same command again") from error
    except Exception as error:
        said = " ".join(str(error).split())[:200]
        raise InputError(
            f"a worker failed ({type(error).__name__}: {said}); install the same cgcore on the workers and check "
            "their logs"
        ) from error
