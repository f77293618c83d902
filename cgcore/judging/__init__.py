"""Physical checks of data: what is certainly wrong is refused, and what may be intended causes a warning. And whether
float32 is enough for a prior."""

from __future__ import annotations

from cgcore.judging.finding import Finding, Severity
from cgcore.judging.judge import Judgement, judge

__all__ = ["Finding", "Judgement", "Severity", "judge"]
