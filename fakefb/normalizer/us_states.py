"""Owns the postal codes of the United States by name, name letters only."""

from typing import Final

_STATES: Final = """
al alabama, ak alaska, az arizona, ar arkansas, ca california, co colorado, ct connecticut,
de delaware, fl florida, ga georgia, hi hawaii, id idaho, il illinois, in indiana, ia iowa,
ks kansas, ky kentucky, la louisiana, me maine, md maryland, ma massachusetts, mi michigan,
mn minnesota, ms mississippi, mo missouri, mt montana, ne nebraska, nv nevada, nh newhampshire,
nj newjersey, nm newmexico, ny newyork, nc northcarolina, nd northdakota, oh ohio, ok oklahoma,
or oregon, pa pennsylvania, ri rhodeisland, sc southcarolina, sd southdakota, tn tennessee,
tx texas, ut utah, vt vermont, va virginia, wa washington, wv westvirginia, wi wisconsin,
wy wyoming, dc districtofcolumbia, pr puertorico, gu guam, vi virginislands, as americansamoa,
mp northernmarianaislands, fm federatedstatesofmicronesia, mh marshallislands, pw palau
"""

US_STATES_BY_NAME: Final[dict[str, str]] = {
    name: code for code, name in (state.split() for state in _STATES.split(","))
}
US_STATE_CODES: Final = frozenset(US_STATES_BY_NAME.values())
