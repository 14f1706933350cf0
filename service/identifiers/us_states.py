"""The names of the states, districts and territories of the United States."""

from typing import Final

_STATES = """
al alabama;ak alaska;az arizona;ar arkansas;ca california;co colorado;ct connecticut
de delaware;dc district of columbia;dc washington dc;fl florida;ga georgia;hi hawaii;id idaho
il illinois;in indiana;ia iowa;ks kansas;ky kentucky;la louisiana;me maine;md maryland
ma massachusetts;mi michigan;mn minnesota;ms mississippi;mo missouri;mt montana;ne nebraska
nv nevada;nh new hampshire;nj new jersey;nm new mexico;ny new york;nc north carolina
nd north dakota;oh ohio;ok oklahoma;or oregon;pa pennsylvania;ri rhode island
sc south carolina;sd south dakota;tn tennessee;tx texas;ut utah;vt vermont;va virginia
wa washington;wa washington state;ny new york state;wv west virginia;wi wisconsin;wy wyoming
as american samoa;gu guam;mp northern mariana islands;pr puerto rico;um us minor outlying islands
vi virgin islands;vi us virgin islands;aa armed forces americas;ae armed forces europe
ap armed forces pacific
"""

US_STATE_CODES: Final = {
    name.replace(" ", ""): code
    for code, _, name in (
        entry.partition(" ") for line in _STATES.split("\n") for entry in line.split(";") if entry
    )
}
"""Two-letter code, lower case, by the letters of the name without spaces."""
