"""What all sections share: number types with their ranges, and the base of a section."""

from datetime import time
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field


def _no_bool(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("should be a number")
    return value


def _time_of_day(value: object) -> object:
    if isinstance(value, int | float):
        raise ValueError('should be a time of day such as "10:00"')
    return value


def _local(value: time) -> time:
    if value.tzinfo is not None:
        raise ValueError("is local time: leave the offset out")
    return value


Number = Annotated[float, BeforeValidator(_no_bool)]
TimeOfDay = Annotated[time, BeforeValidator(_time_of_day), AfterValidator(_local)]
Percent = Annotated[Number, Field(ge=0, le=100)]
Watts = Annotated[Number, Field(ge=0, le=1_000_000)]
Efficiency = Annotated[Number, Field(gt=0.3, le=1)]
EurPerKwh = Annotated[Number, Field(ge=-1, le=5)]


class Section(BaseModel):
    """Settings of one part of the house; unknown keys are faults."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
