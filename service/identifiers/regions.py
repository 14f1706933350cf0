"""The countries of ISO 3166-1: two- and three-letter codes, English names, common aliases."""

import unicodedata
from typing import Final

# alpha-2, alpha-3, then the names, "/" between them.
_REGIONS = """
AD AND Andorra;AE ARE United Arab Emirates/UAE/Emirates;AF AFG Afghanistan
AG ATG Antigua and Barbuda/Antigua;AI AIA Anguilla;AL ALB Albania;AM ARM Armenia;AO AGO Angola
AQ ATA Antarctica;AR ARG Argentina;AS ASM American Samoa;AT AUT Austria;AU AUS Australia
AW ABW Aruba;AX ALA Aland Islands/Aland;AZ AZE Azerbaijan
BA BIH Bosnia and Herzegovina/Bosnia/Bosnia Herzegovina;BB BRB Barbados;BD BGD Bangladesh
BE BEL Belgium;BF BFA Burkina Faso;BG BGR Bulgaria;BH BHR Bahrain;BI BDI Burundi;BJ BEN Benin
BL BLM Saint Barthelemy/St Barthelemy;BM BMU Bermuda;BN BRN Brunei Darussalam/Brunei
BO BOL Bolivia/Plurinational State of Bolivia
BQ BES Bonaire, Sint Eustatius and Saba/Bonaire/Caribbean Netherlands
BR BRA Brazil/Brasil;BS BHS Bahamas/The Bahamas;BT BTN Bhutan;BV BVT Bouvet Island;BW BWA Botswana
BY BLR Belarus;BZ BLZ Belize;CA CAN Canada;CC CCK Cocos Islands/Cocos Keeling Islands
CD COD Democratic Republic of the Congo/DR Congo/DRC/Congo Kinshasa
CD COD The Democratic Republic of the Congo/Congo Democratic Republic of the
CF CAF Central African Republic;CG COG Congo/Republic of the Congo/Congo Brazzaville
CH CHE Switzerland;CI CIV Cote d'Ivoire/Ivory Coast;CK COK Cook Islands;CL CHL Chile
CM CMR Cameroon;CN CHN China/People's Republic of China/PRC/Mainland China;CO COL Colombia
CR CRI Costa Rica;CU CUB Cuba;CV CPV Cabo Verde/Cape Verde;CW CUW Curacao
CX CXR Christmas Island;CY CYP Cyprus;CZ CZE Czechia/Czech Republic/The Czech Republic
DE DEU Germany/Deutschland/Federal Republic of Germany;DJ DJI Djibouti;DK DNK Denmark
DM DMA Dominica;DO DOM Dominican Republic/The Dominican Republic;DZ DZA Algeria;EC ECU Ecuador
EE EST Estonia;EG EGY Egypt;EH ESH Western Sahara;ER ERI Eritrea;ES ESP Spain/Espana
ET ETH Ethiopia;FI FIN Finland;FJ FJI Fiji;FK FLK Falkland Islands/Falkland Islands Malvinas
FM FSM Micronesia/Federated States of Micronesia;FO FRO Faroe Islands/Faroes;FR FRA France
GA GAB Gabon;GB GBR United Kingdom/UK/The United Kingdom/Great Britain/Britain
GB GBR United Kingdom of Great Britain and Northern Ireland/England/Scotland/Wales/Northern Ireland
GD GRD Grenada;GE GEO Georgia;GF GUF French Guiana;GG GGY Guernsey;GH GHA Ghana;GI GIB Gibraltar
GL GRL Greenland;GM GMB Gambia/The Gambia;GN GIN Guinea;GP GLP Guadeloupe
GQ GNQ Equatorial Guinea;GR GRC Greece
GS SGS South Georgia and the South Sandwich Islands/South Georgia;GT GTM Guatemala;GU GUM Guam
GW GNB Guinea-Bissau;GY GUY Guyana;HK HKG Hong Kong/Hong Kong SAR/Hong Kong SAR China
HM HMD Heard Island and McDonald Islands;HN HND Honduras;HR HRV Croatia;HT HTI Haiti
HU HUN Hungary;ID IDN Indonesia;IE IRL Ireland/Republic of Ireland/Eire;IL ISR Israel
IM IMN Isle of Man;IN IND India;IO IOT British Indian Ocean Territory;IQ IRQ Iraq
IR IRN Iran/Islamic Republic of Iran;IS ISL Iceland;IT ITA Italy/Italia;JE JEY Jersey
JM JAM Jamaica;JO JOR Jordan;JP JPN Japan;KE KEN Kenya;KG KGZ Kyrgyzstan;KH KHM Cambodia
KI KIR Kiribati;KM COM Comoros;KN KNA Saint Kitts and Nevis/St Kitts and Nevis
KP PRK North Korea/Korea North/Democratic People's Republic of Korea/DPRK
KR KOR South Korea/Korea South/Korea/Republic of Korea/Korea Republic of;KW KWT Kuwait
KY CYM Cayman Islands;KZ KAZ Kazakhstan;LA LAO Laos/Lao People's Democratic Republic/Lao PDR
LB LBN Lebanon;LC LCA Saint Lucia/St Lucia;LI LIE Liechtenstein;LK LKA Sri Lanka;LR LBR Liberia
LS LSO Lesotho;LT LTU Lithuania;LU LUX Luxembourg/Luxemburg;LV LVA Latvia;LY LBY Libya
MA MAR Morocco;MC MCO Monaco;MD MDA Moldova/Republic of Moldova;ME MNE Montenegro
MF MAF Saint Martin/St Martin;MG MDG Madagascar;MH MHL Marshall Islands
MK MKD North Macedonia/Macedonia;ML MLI Mali;MM MMR Myanmar/Burma;MN MNG Mongolia
MO MAC Macao/Macau/Macao SAR China;MP MNP Northern Mariana Islands;MQ MTQ Martinique
MR MRT Mauritania;MS MSR Montserrat;MT MLT Malta;MU MUS Mauritius;MV MDV Maldives;MW MWI Malawi
MX MEX Mexico;MY MYS Malaysia;MZ MOZ Mozambique;NA NAM Namibia;NC NCL New Caledonia
NE NER Niger;NF NFK Norfolk Island;NG NGA Nigeria;NI NIC Nicaragua
NL NLD Netherlands/The Netherlands/Holland/Kingdom of the Netherlands;NO NOR Norway;NP NPL Nepal
NR NRU Nauru;NU NIU Niue;NZ NZL New Zealand;OM OMN Oman;PA PAN Panama;PE PER Peru
PF PYF French Polynesia/Tahiti;PG PNG Papua New Guinea;PH PHL Philippines/The Philippines
PK PAK Pakistan;PL POL Poland;PM SPM Saint Pierre and Miquelon/St Pierre and Miquelon
PN PCN Pitcairn/Pitcairn Islands;PR PRI Puerto Rico
PS PSE Palestine/State of Palestine/Palestinian Territory/Palestinian Territories;PT PRT Portugal
PW PLW Palau;PY PRY Paraguay;QA QAT Qatar;RE REU Reunion/La Reunion;RO ROU Romania;RS SRB Serbia
RU RUS Russia/Russian Federation/The Russian Federation;RW RWA Rwanda
SA SAU Saudi Arabia/Kingdom of Saudi Arabia/KSA;SB SLB Solomon Islands;SC SYC Seychelles
SD SDN Sudan;SE SWE Sweden;SG SGP Singapore
SH SHN Saint Helena, Ascension and Tristan da Cunha/Saint Helena/St Helena;SI SVN Slovenia
SJ SJM Svalbard and Jan Mayen/Svalbard;SK SVK Slovakia/Slovak Republic;SL SLE Sierra Leone
SM SMR San Marino;SN SEN Senegal;SO SOM Somalia;SR SUR Suriname;SS SSD South Sudan
ST STP Sao Tome and Principe;SV SLV El Salvador;SX SXM Sint Maarten/St Maarten
SY SYR Syria/Syrian Arab Republic;SZ SWZ Eswatini/Swaziland
TC TCA Turks and Caicos Islands/Turks and Caicos;TD TCD Chad
TF ATF French Southern Territories/French Southern and Antarctic Lands;TG TGO Togo
TH THA Thailand;TJ TJK Tajikistan;TK TKL Tokelau;TL TLS Timor-Leste/East Timor
TM TKM Turkmenistan;TN TUN Tunisia;TO TON Tonga;TR TUR Turkey/Turkiye/Republic of Turkiye
TT TTO Trinidad and Tobago/Trinidad;TV TUV Tuvalu;TW TWN Taiwan/Taiwan Province of China
TZ TZA Tanzania/United Republic of Tanzania;UA UKR Ukraine;UG UGA Uganda
UM UMI United States Minor Outlying Islands/US Minor Outlying Islands
US USA United States/United States of America/The United States/The United States of America
US USA America/The US/The USA;UY URY Uruguay;UZ UZB Uzbekistan
VA VAT Holy See/Vatican City/Vatican/Vatican City State
VC VCT Saint Vincent and the Grenadines/St Vincent and the Grenadines
VE VEN Venezuela/Bolivarian Republic of Venezuela
VG VGB British Virgin Islands/Virgin Islands British
VI VIR US Virgin Islands/United States Virgin Islands/Virgin Islands US
VN VNM Vietnam/Viet Nam/Socialist Republic of Vietnam;VU VUT Vanuatu;WF WLF Wallis and Futuna
WS WSM Samoa;YE YEM Yemen;YT MYT Mayotte;ZA ZAF South Africa/Republic of South Africa
ZM ZMB Zambia;ZW ZWE Zimbabwe
"""

_ENTRIES: Final = tuple(
    entry.split(" ", 2) for line in _REGIONS.split("\n") for entry in line.split(";") if entry
)


def _spelling(text: str) -> str:
    """What two ways to write a name have in common: letters and digits, accents gone."""
    if text.isascii() and text.isalpha():
        return text.lower()
    plain = unicodedata.normalize("NFKD", text).lower().replace("&", "and")
    return "".join(character for character in plain if character.isalnum())


ALPHA_2: Final = frozenset(alpha_2 for alpha_2, _, _ in _ENTRIES)
"""Every ISO 3166-1 alpha-2 code, upper case."""

_BY_SPELLING: Final = {
    _spelling(name): alpha_2
    for alpha_2, alpha_3, names in _ENTRIES
    for name in (alpha_2, alpha_3, *names.split("/"))
}


def is_region(code: str) -> bool:
    """Whether the text is an ISO 3166-1 alpha-2 code in upper case."""
    return code in ALPHA_2


def region_named(text: str) -> str | None:
    """The alpha-2 code, upper case, of a code or an English name; None where unknown."""
    return _BY_SPELLING.get(_spelling(text.strip()))
