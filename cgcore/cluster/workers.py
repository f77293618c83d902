"""Execution on Dask workers: pieces are sent to the workers, which read the frames themselves and return parts.

A piece whose worker is lost is given to another one. After as many losses as the scheduler allows
(`distributed.scheduler.allowed-failures`), the run ends, since the piece itself must be the cause.
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
"""Largest number of pieces submitted and not yet finished, which is enough for as many cores; and largest total size
of their arrays [bytes], which only a single piece may exceed."""


def on_workers(client: Client) -> Execute:
    """Execution by the workers of a cluster.

    Arguments:
        client: client of the cluster's scheduler.
    """

    def execute(work: Work, pieces: Sequence[Piece]) -> Iterator[tuple[int, Part]]:
        from distributed import as_completed

        run, mine = uuid4().hex, version("cgcore")
        # A task and not scattered data: a task is run again if the workers that hold its result are lost.
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
                future.release()  # cancels pieces that are no longer needed

    return execute


def _itself(work: Work) -> Work:
    return work


def _part(work: Work, parcel: Parcel, wanted: str) -> Part:
    """Compute a part on a worker."""
    from distributed import get_worker

    where = get_worker().address
    if (mine := version("cgcore")) != wanted:
        raise InputError(
            f"worker {where} has cgcore {mine}, but this process has {wanted}; install the same version on both"
        )
    parcel.require_files(where)
    return work.of_piece(parcel.piece())


def _result(future: Any) -> Part:
    """The part computed by a finished task.

    Raises:
        InputError: the task failed, its workers were lost, or the scheduler is gone.
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
