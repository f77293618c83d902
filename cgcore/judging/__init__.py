"""Data at the door, judged by physics: what is surely wrong is refused, what may be meant is said."""

from __future__ import annotations

from cgcore.judging.finding import Finding, Severity
from cgcore.judging.judge import Judgement, judge

__all__ = ["Finding", "Judgement", "Severity", "judge"]
