"""The countries, names and places of the people in the demo."""
# ruff: noqa: SIM905 -- a hundred names read better without a hundred quotes

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Country:
    """A country: how it is written, how its phones look, who lives there and where."""

    code: str
    spellings: tuple[str, ...]
    dial_code: str
    trunk_prefix: str
    """What stands before a national number; empty in countries without one."""
    mobile_start: str
    """How a mobile number begins, behind country code and trunk prefix."""
    mobile_digits: int
    """Digits of a mobile number without country code and trunk prefix."""
    first_names: tuple[str, ...]
    last_names: tuple[str, ...]
    places: tuple[tuple[str, str, str], ...]
    """City, state or region, postal code."""


COUNTRIES: Final = (
    Country(
        code="US",
        spellings=("US", "us", "USA", "United States"),
        dial_code="1",
        trunk_prefix="",
        mobile_start="415",
        mobile_digits=10,
        first_names=tuple(
            "James Mary Robert Linda Michael Susan David Karen Daniel Nancy Kevin Laura "
            "Brian Emily Jason Megan Ryan Chloe Eric Grace Adam Hannah Noah Olivia Ethan Ava "
            "Lucas Mia Caleb Ruth Peter Anna".split()
        ),
        last_names=tuple(
            "Smith Johnson Williams Brown Jones Miller Davis Wilson Anderson Taylor Moore "
            "Jackson Martin Thompson White Harris Clark Lewis Walker Hall Young King Wright "
            "Hill Green Baker Nelson Carter Turner Parker".split()
        ),
        places=(
            ("Boston", "Massachusetts", "02108"),
            ("San Francisco", "CA", "94103-1234"),
            ("Austin", "Texas", "78701"),
            ("St. Louis", "MO", "63101"),
            ("New York", "New York", "10001"),
        ),
    ),
    Country(
        code="GB",
        spellings=("GB", "UK", "United Kingdom"),
        dial_code="44",
        trunk_prefix="0",
        mobile_start="74",
        mobile_digits=10,
        first_names=tuple(
            "Oliver Amelia Harry Isla George Poppy Arthur Freya Alfie Evie Oscar Daisy Henry "
            "Ivy Archie Florence Leo Rosie Theo Sienna Freddie Phoebe Finley Matilda Hugo "
            "Imogen Rupert Beatrice Alistair Fiona Callum Eilidh".split()
        ),
        last_names=tuple(
            "Evans Roberts Hughes Edwards Wood Robinson Clarke Wright Patel Cooper Ward "
            "Morris Bailey Shaw Bell Murphy Kelly Price Bennett Gray Cox Mills Palmer Webb "
            "Ellis Knight Lloyd Butler Barnes Fisher".split()
        ),
        places=(
            ("London", "England", "SW1A 1AA"),
            ("Cardiff", "Wales", "CF10 1EP"),
            ("Edinburgh", "Scotland", "EH1 1YZ"),
            ("Stoke-on-Trent", "England", "ST4 2RR"),
        ),
    ),
    Country(
        code="DE",
        spellings=("DE", "de", "DEU", "Germany"),
        dial_code="49",
        trunk_prefix="0",
        mobile_start="151",
        mobile_digits=11,
        first_names=tuple(
            "Lukas Anna Jonas Lena Jürgen Käthe Felix Sophie Björn Jana Moritz Klara Stefan "
            "Greta Uwe Ilse Torsten Heike Rainer Petra Jörg Sabine Dieter Monika Günter "
            "Renate Matthias Ulrike Sönke Anke Tobias Birgit".split()
        ),
        last_names=tuple(
            "Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Koch "
            "Bauer Richter Klein Wolf Schröder Neumann Schwarz Zimmermann Braun Krüger "
            "Hofmann Hartmann Lange Krause Lehmann Köhler Maier Groß Jäger".split()
        ),
        places=(
            ("Berlin", "Berlin", "10115"),
            ("München", "Bayern", "80331"),
            ("Köln", "Nordrhein-Westfalen", "50667"),
            ("Freiburg im Breisgau", "Baden-Württemberg", "79098"),
        ),
    ),
    Country(
        code="FR",
        spellings=("FR", "fr", "FRA", "France"),
        dial_code="33",
        trunk_prefix="0",
        mobile_start="6",
        mobile_digits=9,
        first_names=tuple(
            "Louis Camille Gabriel Léa Raphaël Manon Jules Chloé Adrien Inès Hugues Zoé "
            "Théo Élodie Mathis Océane Rémi Anaïs Benoît Margaux Étienne Hélène Loïc Maëlle "
            "Bastien Solène Cédric Amélie Yann Noémie Gaël Lucie".split()
        ),
        last_names=tuple(
            "Bernard Dubois Thomas Robert Richard Petit Durand Leroy Moreau Simon Laurent "
            "Lefebvre Michel Garcia David Bertrand Roux Vincent Fournier Morel Girard André "
            "Mercier Dupont Lambert Bonnet François Martinez Legrand Garnier".split()
        ),
        places=(
            ("Paris", "Île-de-France", "75001"),
            ("Saint-Étienne", "Loire", "42000"),
            ("Marseille", "Bouches-du-Rhône", "13001"),
        ),
    ),
    Country(
        code="ES",
        spellings=("ES", "es", "ESP", "Spain"),
        dial_code="34",
        trunk_prefix="",
        mobile_start="6",
        mobile_digits=9,
        first_names=tuple(
            "Hugo Lucía Martín Sofía Mateo Martina Daniel María Pablo Julia Álvaro Paula "
            "Adrián Valeria Íñigo Nerea Andrés Begoña José Carmen Raúl Pilar Óscar Rocío "
            "Rubén Nuria Iván Elena Jesús Marta Joaquín Irene".split()
        ),
        last_names=tuple(
            "García Rodríguez González Fernández López Martínez Sánchez Pérez Gómez Martín "
            "Jiménez Ruiz Hernández Díaz Moreno Muñoz Álvarez Romero Alonso Gutiérrez "
            "Navarro Torres Domínguez Vázquez Ramos Gil Ramírez Serrano Blanco Ibáñez".split()
        ),
        places=(
            ("Madrid", "Madrid", "28001"),
            ("Ávila", "Castilla y León", "05001"),
            ("A Coruña", "Galicia", "15001"),
        ),
    ),
    Country(
        code="IT",
        spellings=("IT", "it", "ITA", "Italy"),
        dial_code="39",
        trunk_prefix="",
        mobile_start="347",
        mobile_digits=10,
        first_names=tuple(
            "Leonardo Giulia Francesco Aurora Lorenzo Alice Alessandro Ginevra Andrea Emma "
            "Mattia Giorgia Gabriele Greta Riccardo Beatrice Tommaso Chiara Edoardo Bianca "
            "Niccolò Ludovica Davide Noemi Pietro Elisa Simone Arianna Nicolò Camilla Marco "
            "Federica".split()
        ),
        last_names=tuple(
            "Rossi Russo Ferrari Esposito Bianchi Romano Colombo Ricci Marino Greco Bruno "
            "Gallo Conti Mancini Costa Giordano Rizzo Lombardi Moretti Barbieri Fontana "
            "Santoro Mariani Rinaldi Caruso Ferrara Galli Martini Leone Longo".split()
        ),
        places=(
            ("Roma", "Lazio", "00118"),
            ("Forlì", "Emilia-Romagna", "47121"),
            ("Reggio di Calabria", "Calabria", "89121"),
        ),
    ),
)

MAIL_DOMAINS: Final = ("example.com", "example.org", "example.net", "mail.example", "post.example")
"""Names that are reserved for examples: nobody has an e-mail there."""
