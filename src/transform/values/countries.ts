/**
 * ISO 3166-1: alpha-2, alpha-3, and English names: the standard's, and those of Microsoft's products.
 * Kosovo has the code that both use for it, which the standard leaves to its users. The names are
 * ours, not those of `Intl.DisplayNames`, which change with the ICU of the Node.js at hand.
 */
const countries = `
AD AND Andorra
AE ARE United Arab Emirates | UAE
AF AFG Afghanistan
AG ATG Antigua & Barbuda
AI AIA Anguilla
AL ALB Albania
AM ARM Armenia
AO AGO Angola
AQ ATA Antarctica
AR ARG Argentina
AS ASM American Samoa
AT AUT Austria
AU AUS Australia
AW ABW Aruba
AX ALA Åland Islands
AZ AZE Azerbaijan
BA BIH Bosnia & Herzegovina
BB BRB Barbados
BD BGD Bangladesh
BE BEL Belgium
BF BFA Burkina Faso
BG BGR Bulgaria
BH BHR Bahrain
BI BDI Burundi
BJ BEN Benin
BL BLM St. Barthélemy
BM BMU Bermuda
BN BRN Brunei | Brunei Darussalam
BO BOL Bolivia | Bolivia, Plurinational State of
BQ BES Caribbean Netherlands | Bonaire, Sint Eustatius and Saba | Bonaire
BR BRA Brazil
BS BHS Bahamas
BT BTN Bhutan
BV BVT Bouvet Island
BW BWA Botswana
BY BLR Belarus
BZ BLZ Belize
CA CAN Canada
CC CCK Cocos Keeling Islands | Cocos Islands
CD COD Congo - Kinshasa | Congo, The Democratic Republic of the | Congo DRC | DR Congo
CD COD Democratic Republic of Congo
CF CAF Central African Republic
CG COG Congo | Congo - Brazzaville | Republic of the Congo
CH CHE Switzerland
CI CIV Côte d’Ivoire | Ivory Coast
CK COK Cook Islands
CL CHL Chile
CM CMR Cameroon
CN CHN China | People's Republic of China
CO COL Colombia
CR CRI Costa Rica
CU CUB Cuba
CV CPV Cape Verde | Cabo Verde
CW CUW Curaçao
CX CXR Christmas Island
CY CYP Cyprus
CZ CZE Czechia | Czech Republic
DE DEU Germany
DJ DJI Djibouti
DK DNK Denmark
DM DMA Dominica
DO DOM Dominican Republic
DZ DZA Algeria
EC ECU Ecuador
EE EST Estonia
EG EGY Egypt
EH ESH Western Sahara
ER ERI Eritrea
ES ESP Spain
ET ETH Ethiopia
FI FIN Finland
FJ FJI Fiji
FK FLK Falkland Islands | Falkland Islands Malvinas
FM FSM Micronesia | Micronesia, Federated States of
FO FRO Faroe Islands
FR FRA France
GA GAB Gabon
GB GBR United Kingdom | UK | Great Britain
GD GRD Grenada
GE GEO Georgia
GF GUF French Guiana
GG GGY Guernsey
GH GHA Ghana
GI GIB Gibraltar
GL GRL Greenland
GM GMB Gambia | Republic of The Gambia
GN GIN Guinea
GP GLP Guadeloupe
GQ GNQ Equatorial Guinea
GR GRC Greece
GS SGS South Georgia & South Sandwich Islands | South Georgia
GT GTM Guatemala
GU GUM Guam
GW GNB Guinea-Bissau
GY GUY Guyana
HK HKG Hong Kong SAR | Hong Kong | Hong Kong SAR China
HM HMD Heard & McDonald Islands | Heard Island and McDonald Islands
HN HND Honduras
HR HRV Croatia
HT HTI Haiti
HU HUN Hungary
ID IDN Indonesia
IE IRL Ireland
IL ISR Israel
IM IMN Isle of Man
IN IND India
IO IOT British Indian Ocean Territory
IQ IRQ Iraq
IR IRN Iran | Iran, Islamic Republic of | Islamic Republic of Iran
IS ISL Iceland
IT ITA Italy
JE JEY Jersey
JM JAM Jamaica
JO JOR Jordan
JP JPN Japan
KE KEN Kenya
KG KGZ Kyrgyzstan
KH KHM Cambodia
KI KIR Kiribati
KM COM Comoros
KN KNA St. Kitts & Nevis
KP PRK North Korea | Korea, Democratic People's Republic of | Korea North
KR KOR South Korea | Korea, Republic of | Korea | Republic of Korea | Korea South
KW KWT Kuwait
KY CYM Cayman Islands
KZ KAZ Kazakhstan
LA LAO Laos | Lao People's Democratic Republic | Lao PDR
LB LBN Lebanon
LC LCA St. Lucia
LI LIE Liechtenstein
LK LKA Sri Lanka
LR LBR Liberia
LS LSO Lesotho
LT LTU Lithuania
LU LUX Luxembourg
LV LVA Latvia
LY LBY Libya
MA MAR Morocco
MC MCO Monaco
MD MDA Moldova | Moldova, Republic of | Republic of Moldova
ME MNE Montenegro
MF MAF St. Martin | Saint Martin French part
MG MDG Madagascar
MH MHL Marshall Islands
MK MKD North Macedonia | Macedonia | Macedonia, FYRO | FYROM
MK MKD The Republic of North Macedonia
ML MLI Mali
MM MMR Myanmar Burma | Myanmar | Burma
MN MNG Mongolia
MO MAC Macao SAR | Macao | Macau | Macao SAR China
MP MNP Northern Mariana Islands
MQ MTQ Martinique
MR MRT Mauritania
MS MSR Montserrat
MT MLT Malta
MU MUS Mauritius
MV MDV Maldives
MW MWI Malawi
MX MEX Mexico
MY MYS Malaysia
MZ MOZ Mozambique
NA NAM Namibia
NC NCL New Caledonia
NE NER Niger
NF NFK Norfolk Island
NG NGA Nigeria
NI NIC Nicaragua
NL NLD Netherlands | Holland | Netherlands Kingdom of the
NO NOR Norway
NP NPL Nepal
NR NRU Nauru
NU NIU Niue
NZ NZL New Zealand
OM OMN Oman
PA PAN Panama
PE PER Peru
PF PYF French Polynesia
PG PNG Papua New Guinea
PH PHL Philippines
PK PAK Pakistan
PL POL Poland
PM SPM St. Pierre & Miquelon
PN PCN Pitcairn Islands | Pitcairn
PR PRI Puerto Rico
PS PSE Palestinian Territories | Palestine, State of | Palestinian Authority | Palestine
PS PSE State of Palestine
PT PRT Portugal
PW PLW Palau
PY PRY Paraguay
QA QAT Qatar
RE REU Réunion
RO ROU Romania
RS SRB Serbia
RU RUS Russia | Russian Federation
RW RWA Rwanda
SA SAU Saudi Arabia
SB SLB Solomon Islands
SC SYC Seychelles
SD SDN Sudan
SE SWE Sweden
SG SGP Singapore
SH SHN St. Helena | Saint Helena, Ascension and Tristan da Cunha
SH SHN St Helena, Ascension, Tristan da Cunha
SI SVN Slovenia
SJ SJM Svalbard & Jan Mayen | Svalbard
SK SVK Slovakia
SL SLE Sierra Leone
SM SMR San Marino
SN SEN Senegal
SO SOM Somalia
SR SUR Suriname
SS SSD South Sudan
ST STP São Tomé & Príncipe
SV SLV El Salvador
SX SXM Sint Maarten | Sint Maarten Dutch part
SY SYR Syria | Syrian Arab Republic
SZ SWZ Eswatini | Swaziland
TC TCA Turks & Caicos Islands
TD TCD Chad
TF ATF French Southern Territories
TG TGO Togo
TH THA Thailand
TJ TJK Tajikistan
TK TKL Tokelau
TL TLS Timor-Leste | East Timor
TM TKM Turkmenistan
TN TUN Tunisia
TO TON Tonga
TR TUR Türkiye | Turkey
TT TTO Trinidad & Tobago
TV TUV Tuvalu
TW TWN Taiwan | Taiwan, Province of China
TZ TZA Tanzania | Tanzania, United Republic of | United Republic of Tanzania
UA UKR Ukraine
UG UGA Uganda
UM UMI U.S. Outlying Islands | United States Minor Outlying Islands
US USA United States | USA | United States of America | US
UY URY Uruguay
UZ UZB Uzbekistan
VA VAT Vatican City | Holy See Vatican City State | Holy See Vatican City
VC VCT St. Vincent & Grenadines
VE VEN Venezuela | Venezuela, Bolivarian Republic of
VG VGB British Virgin Islands | Virgin Islands, British
VI VIR U.S. Virgin Islands | Virgin Islands, U.S.
VN VNM Vietnam | Viet Nam
VU VUT Vanuatu
WF WLF Wallis & Futuna
WS WSM Samoa
XK XKX Kosovo
YE YEM Yemen
YT MYT Mayotte
ZA ZAF South Africa
ZM ZMB Zambia
ZW ZWE Zimbabwe
`

/** Words that some spellings of a name have and others lack. */
const fillers: ReadonlySet<string> = new Set(['', 'the', 'of', 'sar'])

/** Codes that are in use beside those of the standard. */
const otherCodes: readonly (readonly [string, string])[] = [
  ['uk', 'GB'],
  ['el', 'GR'],
]

const codes: ReadonlyMap<string, string> = new Map([
  ...otherCodes,
  ...countries.trim().split('\n').flatMap(codesOf),
])

function codesOf(line: string): [string, string][] {
  const [alpha2, alpha3] = [line.slice(0, 2), line.slice(3, 6)]
  return [alpha2, alpha3, ...line.slice(7).split(' | ')].map((name) => [plainName(name), alpha2])
}

/** The ISO 3166-1 alpha-2 code of a country given by code or English name; null when unknown. */
export function countryCodeOf(text: string): string | null {
  // Nearly every referral has the code itself.
  return codes.get(text.toLowerCase()) ?? codes.get(plainName(text)) ?? null
}

/** `Côte d'Ivoire`, `Saint Lucia`, `Bahamas, The` and `Hong Kong S.A.R.` without what varies. */
function plainName(name: string): string {
  return name
    .normalize('NFD')
    .replaceAll(/[\p{M}.'’()]/gu, '')
    .toLowerCase()
    .replaceAll('&', ' and ')
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => !fillers.has(word))
    .map((word) => (word === 'saint' ? 'st' : word))
    .join(' ')
}
