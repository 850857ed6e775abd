"""Countries by the names that sanctions lists use, with their ISO 3166-1 alpha-2 codes."""

from collections.abc import Mapping
from types import MappingProxyType

# Each code with its names. A former country counts as its successor, or as the largest of its
# successors.
_TABLE = """
AD Andorra
AE United Arab Emirates; UAE
AF Afghanistan
AG Antigua and Barbuda
AI Anguilla
AL Albania
AM Armenia
AO Angola
AR Argentina
AS American Samoa
AT Austria
AU Australia
AW Aruba
AX Aland Islands
AZ Azerbaijan
BA Bosnia and Herzegovina; Bosnia-Herzegovina; Bosnia
BB Barbados
BD Bangladesh
BE Belgium
BF Burkina Faso
BG Bulgaria
BH Bahrain
BI Burundi
BJ Benin
BL Saint Barthelemy
BM Bermuda
BN Brunei
BO Bolivia
BQ Bonaire, Sint Eustatius, and Saba
BR Brazil
BS Bahamas, The; Bahamas; The Bahamas
BT Bhutan
BW Botswana
BY Belarus
BZ Belize
CA Canada
CC Cocos Islands
CD Congo, Democratic Republic of the; Democratic Republic of the Congo; Congo (Kinshasa); Zaire
CF Central African Republic
CG Congo, Republic of the; Republic of the Congo; Congo (Brazzaville)
CH Switzerland
CI Cote d'Ivoire; Cote d Ivoire; Ivory Coast
CK Cook Islands
CL Chile
CM Cameroon
CN China; People's Republic of China
CO Colombia
CR Costa Rica
CU Cuba
CV Cape Verde; Cabo Verde
CW Curacao; Netherlands Antilles
CX Christmas Island
CY Cyprus
CZ Czech Republic; Czechia
DE Germany; Federal Republic of Germany
DJ Djibouti
DK Denmark
DM Dominica
DO Dominican Republic
DZ Algeria
EC Ecuador
EE Estonia
EG Egypt
EH Western Sahara
ER Eritrea
ES Spain
ET Ethiopia
FI Finland
FJ Fiji
FK Falkland Islands
FM Micronesia
FO Faroe Islands
FR France
GA Gabon
GB United Kingdom; Great Britain; England; Scotland; UK
GD Grenada
GE Georgia
GF French Guiana
GG Guernsey
GH Ghana
GI Gibraltar
GL Greenland
GM Gambia, The; Gambia; The Gambia
GN Guinea
GP Guadeloupe
GQ Equatorial Guinea
GR Greece
GT Guatemala
GU Guam
GW Guinea-Bissau
GY Guyana
HK Hong Kong; Hong Kong SAR
HN Honduras
HR Croatia
HT Haiti
HU Hungary
ID Indonesia
IE Ireland
IL Israel
IM Man, Isle of; Isle of Man
IN India
IQ Iraq
IR Iran; Islamic Republic of Iran
IS Iceland
IT Italy
JE Jersey
JM Jamaica
JO Jordan
JP Japan
KE Kenya
KG Kyrgyzstan
KH Cambodia
KI Kiribati
KM Comoros
KN Saint Kitts and Nevis
KP Korea, North; North Korea; Democratic People's Republic of Korea
KR Korea, South; South Korea; Republic of Korea
KW Kuwait
KY Cayman Islands
KZ Kazakhstan
LA Laos; Lao People's Democratic Republic
LB Lebanon
LC Saint Lucia
LI Liechtenstein
LK Sri Lanka
LR Liberia
LS Lesotho
LT Lithuania
LU Luxembourg
LV Latvia
LY Libya
MA Morocco
MC Monaco
MD Moldova
ME Montenegro
MF Saint Martin
MG Madagascar
MH Marshall Islands
MK North Macedonia; Macedonia; The Former Yugoslav Republic of Macedonia
ML Mali; Region: Northern Mali
MM Burma; Myanmar
MN Mongolia
MO Macao; Macau
MP Northern Mariana Islands
MQ Martinique
MR Mauritania
MS Montserrat
MT Malta
MU Mauritius
MV Maldives
MW Malawi
MX Mexico
MY Malaysia
MZ Mozambique
NA Namibia
NC New Caledonia
NE Niger
NF Norfolk Island
NG Nigeria
NI Nicaragua
NL Netherlands; The Netherlands
NO Norway
NP Nepal
NR Nauru
NU Niue
NZ New Zealand
OM Oman
PA Panama
PE Peru
PF French Polynesia
PG Papua New Guinea
PH Philippines; The Philippines
PK Pakistan
PL Poland
PM Saint Pierre and Miquelon
PN Pitcairn
PR Puerto Rico
PS Palestinian; Palestinian Territory; West Bank; Region: Gaza; Gaza; Palestine
PT Portugal
PW Palau
PY Paraguay
QA Qatar
RE Reunion
RO Romania
RS Serbia; Serbia and Montenegro; Yugoslavia; Federal Republic of Yugoslavia
RU Russia; Russian Federation; USSR
RW Rwanda
SA Saudi Arabia
SB Solomon Islands
SC Seychelles
SD Sudan; Region: Kafia Kingi
SE Sweden
SG Singapore
SH Saint Helena
SI Slovenia
SJ Svalbard and Jan Mayen Islands
SK Slovakia
SL Sierra Leone
SM San Marino
SN Senegal
SO Somalia
SR Suriname
SS South Sudan
ST Sao Tome and Principe
SV El Salvador
SX Sint Maarten
SY Syria; Syrian Arab Republic
SZ Eswatini; Swaziland
TC Turks and Caicos Islands
TD Chad; Republic of Chad
TG Togo
TH Thailand
TJ Tajikistan
TK Tokelau
TL Timor-Leste; East Timor
TM Turkmenistan
TN Tunisia
TO Tonga
TR Turkey; Turkiye
TT Trinidad and Tobago
TV Tuvalu
TW Taiwan
TZ Tanzania
UA Ukraine; Region: Crimea; Crimea
UG Uganda
US United States; United States of America; USA
UY Uruguay
UZ Uzbekistan
VA Holy See; Vatican
VC Saint Vincent and the Grenadines
VE Venezuela; Bolivarian Republic of Venezuela
VG Virgin Islands, British; British Virgin Islands
VI Virgin Islands, U.S.
VN Vietnam
VU Vanuatu
WF Wallis and Futuna Islands
WS Samoa
XK Kosovo
YE Yemen
YT Mayotte
ZA South Africa
ZM Zambia
ZW Zimbabwe
"""

_CODES: Mapping[str, str] = MappingProxyType(
    {
        name.strip().casefold(): line[:2]
        for line in _TABLE.strip().splitlines()
        for name in line[3:].split(";")
    }
)
#: The first name of every country, by code.
COUNTRY_NAMES: Mapping[str, str] = MappingProxyType(
    {line[:2]: line[3:].partition(";")[0] for line in _TABLE.strip().splitlines()}
)


def country_code(name: str) -> str | None:
    """Return the code of a country by one of its names; None if the name is unknown."""
    return _CODES.get(name.strip().casefold())
