"""The standard household of BDEW's profile H25: for the first days, until the house is known.

The table is computed from the published one (BDEW 2025, H25; quarter-hours by month and kind of
day, times its polynomial in the day of the year): means by hour, season and kind of day, in W for a
house of 1000 kWh a year. An approximation: its quarter-hours are 5 % of the mean load off. Holidays
count as what their day of the week is. The profile is the mean of thousands of homes: a single one
has peaks three to five times as high. P25 and S25, the profiles of homes with roof and battery, are
what such homes draw from the grid, so they would count roof and battery twice.
"""

from datetime import datetime

_WINTER = (
    (89, 76, 72, 72, 76, 87, 114, 123, 115, 110, 111, 121,
     126, 125, 122, 127, 147, 181, 203, 202, 184, 164, 144, 115),
    (97, 82, 75, 73, 74, 76, 90, 116, 143, 156, 167, 181,
     179, 172, 167, 168, 180, 204, 213, 200, 179, 162, 148, 124),
    (102, 87, 79, 76, 75, 76, 87, 109, 141, 167, 188, 211,
     203, 185, 174, 170, 180, 207, 218, 207, 185, 162, 142, 114),
)  # fmt: skip
_BETWEEN = (
    (77, 66, 63, 63, 66, 78, 100, 105, 98, 96, 96, 105,
     109, 107, 103, 105, 114, 134, 159, 171, 164, 146, 125, 98),
    (86, 73, 68, 66, 67, 70, 82, 106, 129, 140, 147, 157,
     154, 145, 140, 137, 139, 150, 167, 172, 162, 146, 131, 109),
    (89, 76, 70, 68, 68, 71, 80, 101, 131, 153, 168, 185,
     176, 157, 145, 138, 139, 155, 173, 177, 166, 147, 125, 98),
)  # fmt: skip
_SUMMER = (
    (76, 65, 61, 60, 63, 71, 85, 92, 89, 88, 89, 97,
     102, 99, 96, 97, 104, 119, 135, 141, 138, 132, 119, 95),
    (82, 70, 64, 62, 62, 64, 74, 93, 112, 123, 129, 139,
     138, 131, 127, 124, 125, 132, 139, 138, 134, 130, 121, 103),
    (85, 73, 67, 64, 62, 63, 70, 88, 111, 130, 143, 158,
     153, 138, 128, 123, 123, 133, 144, 145, 140, 133, 118, 94),
)  # fmt: skip
_BY_MONTH = (
    _WINTER, _WINTER, _BETWEEN, _BETWEEN, _SUMMER, _SUMMER,
    _SUMMER, _SUMMER, _BETWEEN, _BETWEEN, _WINTER, _WINTER,
)  # fmt: skip
_SATURDAY, _SUNDAY = 5, 6


def standard_w(local: datetime, annual_kwh: float) -> float:
    """Mean load of the standard household in a local hour [W].

    Parameters
    ----------
    local
        A moment of that hour, in local time.
    annual_kwh
        What the house uses in a year.

    Examples
    --------
    >>> standard_w(datetime(2026, 1, 14, 18, 30), annual_kwh=4000)
    812.0
    """
    kinds = _BY_MONTH[local.month - 1]
    weekday = local.weekday()
    kind = kinds[2] if weekday == _SUNDAY else kinds[1] if weekday == _SATURDAY else kinds[0]
    return kind[local.hour] * annual_kwh / 1000
