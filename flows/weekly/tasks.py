"""A step of the pipeline as a Prefect task: retried where that is harmless, never interrupted."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, TypeVar

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.tasks import exponential_backoff
from sqlalchemy.exc import OperationalError

from flows.errors import NewsletterError

if TYPE_CHECKING:
    from collections.abc import Callable

    from prefect.client.schemas.objects import State, TaskRun
    from prefect.futures import PrefectFuture

logger = logging.getLogger(__name__)

T = TypeVar("T")

RETRIES = 3


def _may_be_retried(_task: object, _run: TaskRun, state: State[Any]) -> bool:
    """Say whether a step failed for a passing reason before it changed anything.

    A locked or restarting database is one. What a provider answered is judged where it was
    asked (flows.deliver), and what is in doubt is never tried again.
    """
    error = state.result(raise_on_failure=False)
    return isinstance(error, OperationalError)


def as_task(name: str, step: Callable[[], T]) -> T:
    """Run a step as a Prefect task.

    By submission: a cancelled run interrupts a direct call in mid-batch, but lets a submitted
    task finish. The step carries its values itself, so Prefect stores none of them.
    """

    # What is a sentence for the operator is no failure of Prefect's to log with a traceback.
    def told() -> T | NewsletterError:
        try:
            return step()
        except NewsletterError as error:
            return error

    run = task(
        name=name,
        retries=RETRIES,
        retry_delay_seconds=exponential_backoff(2),
        retry_jitter_factor=0.5,
        retry_condition_fn=_may_be_retried,
        cache_policy=NO_CACHE,
        persist_result=False,
    )(told)
    result = _awaited(run.submit())
    if isinstance(result, NewsletterError):
        raise result
    return result


def _awaited(future: PrefectFuture[T | NewsletterError]) -> T | NewsletterError:
    """Return the step's result, also where Prefect has given this run's place to others.

    A server that was started anew has forgotten who holds which place, and Prefect cancels the run
    then. The step goes on all the same; that nothing is done twice is for the ledger to see to.
    """
    try:
        return future.result()
    except asyncio.CancelledError:
        logger.warning("Prefect no longer holds this run's place; it goes on to its end")
        return future.result()
