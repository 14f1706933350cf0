"""Owns what people of a country are called, where they live and how their numbers look."""

from typing import Final, NamedTuple


class Land(NamedTuple):
    """One country; `code` is ISO 3166-1 alpha-2."""

    code: str
    phone: str
    """E.164 pattern, # = any digit."""
    zip: str
    places: tuple[tuple[str, str], ...]
    """City and state."""
    first: tuple[str, ...]
    last: tuple[str, ...]


LANDS: Final = (
    Land(
        "US",
        "+1212555####",
        "#####",
        (("New York", "New York"), ("Austin", "Texas"), ("San Jose", "California")),
        ("Mary", "James", "Linda", "Robert", "Mary Ann", "Joseph"),
        ("Smith", "Johnson", "O'Brien", "Miller", "Garcia"),
    ),
    Land(
        "GB",
        "+447911######",
        "SW# #AA",
        (("London", "Greater London"), ("Leeds", "Yorkshire")),
        ("Oliver", "Amelia", "Zoë", "Harry"),
        ("Taylor", "Lloyd-Webber", "Evans", "Khan"),
    ),
    Land(
        "DE",
        "+4915112######",
        "#####",
        (("München", "Bayern"), ("Köln", "Nordrhein-Westfalen")),
        ("Jürgen", "Käthe", "Lukas", "Anna-Lena"),
        ("Müller", "Schröder", "Weiß", "Vogel"),
    ),
    Land(
        "FR",
        "+336########",
        "#####",
        (("Paris", "Île-de-France"), ("Saint-Étienne", "Loire")),
        ("Chloé", "François", "Inès", "Hugo"),
        ("Lefèvre", "Dubois", "D'Arcy", "Moreau"),
    ),
    Land(
        "BR",
        "+55119########",
        "#####-###",
        (("São Paulo", "São Paulo"), ("Belém", "Pará")),
        ("João", "Conceição", "Luiz", "Ana"),
        ("da Silva", "Araújo", "Souza"),
    ),
    Land(
        "JP",
        "+8190########",
        "###-####",
        (("横浜市", "神奈川県"), ("大阪市", "大阪府")),
        ("陽子", "健一", "さくら"),
        ("佐藤", "鈴木", "高橋"),
    ),
    Land(
        "PL",
        "+48512######",
        "##-###",
        (("Łódź", "Łódzkie"), ("Kraków", "Małopolskie")),
        ("Zofia", "Paweł", "Łukasz"),
        ("Nowak", "Wójcik", "Kowalska"),
    ),
    Land(
        "CA",
        "+1416555####",
        "M#V #A#",
        (("Toronto", "Ontario"), ("Montréal", "Québec")),
        ("Noah", "Élodie", "Emma"),
        ("Tremblay", "MacDonald", "Singh"),
    ),
    Land(
        "MX",
        "+5255########",
        "#####",
        (("Ciudad de México", "CDMX"), ("Mérida", "Yucatán")),
        ("José", "María Fernanda", "Ximena"),
        ("Hernández", "Núñez", "de la Cruz"),
    ),
    Land(
        "ES",
        "+3461#######",
        "#####",
        (("Madrid", "Madrid"), ("A Coruña", "Galicia")),
        ("Begoña", "Íñigo", "Lucía"),
        ("García Lorca", "Peña", "Ibáñez"),
    ),
    Land(
        "IT",
        "+39347#######",
        "#####",
        (("Roma", "Lazio"), ("Forlì", "Emilia-Romagna")),
        ("Niccolò", "Giulia", "Gian Marco"),
        ("De Luca", "D'Amico", "Rossi"),
    ),
    Land(
        "IN",
        "+9198########",
        "######",
        (("Mumbai", "Maharashtra"), ("दिल्ली", "दिल्ली")),
        ("Aarav", "Priya", "अनीता"),
        ("Sharma", "Patel", "Rao"),
    ),
    Land(
        "TR",
        "+90532#######",
        "#####",
        (("İstanbul", "İstanbul"), ("Iğdır", "Iğdır")),  # noqa: RUF001 - Turkish letters
        ("Işıl", "Çağrı", "Emre"),  # noqa: RUF001 - Turkish letters
        ("Yıldız", "Öztürk", "Şahin"),  # noqa: RUF001 - Turkish letters
    ),
    Land(
        "AU",
        "+61412######",
        "####",
        (("Sydney", "New South Wales"), ("Perth", "Western Australia")),
        ("Charlotte", "Jack", "Isla"),
        ("Williams", "Nguyen", "O'Connor"),
    ),
)
