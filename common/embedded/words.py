"""Words that the corpus is made of: plain nouns, attributes, values and invented names.

The lists are ours. Invented names keep the model from answering out of memory: what it has never
seen it can only copy from its prompt.
"""

from collections.abc import Callable
from random import Random

PEOPLE = """actor agent analyst angler apprentice archer author baker banker barber bee_keeper
bowler brewer builder buyer captain carpenter cashier chef climber coach collector composer cook
courier critic curator cyclist dancer dealer designer director diver driver editor engineer
explorer fencer florist gardener gilder goalkeeper guard guest guide gymnast host inspector
inventor joiner juggler jurist keeper knitter leader maker manager mason member mentor miner
narrator navigator operator organizer owner painter partner patron pilot planner player plumber
poet porter potter presenter producer racer ranger referee rider roaster rower runner sailor
scorer sculptor seller servant shepherd singer sponsor steward surfer surveyor swimmer tailor
tenant tester trader trainer translator umpire user vendor visitor volunteer waiter weaver winner
worker writer""".split()

THINGS = """album anchor aquarium arena article auction award balloon barrel basket battery bay
beach bench bicycle blend boat bottle bracket brand bridge broadcast brush bucket bundle cabin
cable cake camera campsite canal candle canoe carpet cave ceremony chair channel chapter cheese
circuit circus clock club coin colony column comet comic concert contest costume crater crate crop
cup cycle dam deck depot desk dish dock dome drill drum engine episode event exhibit fabric fair
feature fence ferry festival field film fixture flag flight flower forest fountain frame furnace
gallery game garage garden gate glacier glove grove guitar hall harbor harvest helmet hive hut
igloo instrument island jacket jar kennel kettle kiln kite lake lamp lantern launch league lens
lesson lighthouse listing lodge loom machine magazine mast match meadow meal medal meteor mill
mine mirror mission model mold moon motor movie mural nest net novel observatory orbit orchard
orchestra oven paddle painting panel park party path pavilion pearl pen phone piano picnic pier
pipe planet plant plate play plot podcast poem pond pool pot prize product project puppet puzzle
quarry quilt race rack raft ramp rank recipe reef region rental reptile review ride ring river
road robot rocket roof room rope round route saddle sail sale sauna scarf scene score screen
season seat session shelf ship shop show shuttle signal sketch slope snack song species speech
spring squad stadium stage stall stand star statue stove stream street studio suit summit sword
table tank tea team telescope temple tent theater ticket tile title tool tour tournament tower toy
track trail train trap tree trip trophy truck tunnel umbrella valley vase vessel village vineyard
violin voyage wagon wall warehouse watch wave wheel whistle window wing winery workshop yacht yard
zone""".split()

TEXT_ATTRIBUTES = """category city class code color comment condition country county crew_role
currency direction district finish flavor format genre grade group_name habitat hometown kind
label language level location maker material mode mood nationality origin owner_name pattern
phase position quality remark role scent section series shape sign skill source stage_name state
status style subject surface symbol taste team_name theme tier topic town type unit variety
weather_type zone_name""".split()

NUMBER_ATTRIBUTES = """age amount area attendance balance bonus budget calories capacity charge
copies cost crew_size deposit depth discount distance duration earnings entry_fee fee goals
height hours income laps length likes limit_value losses margin mass minutes pages paid_amount
penalty percentage pieces points population pressure price profit quantity rate rating revenue
rounds salary score seats share_count size speed stock strength tax temperature tickets_sold
tonnage turnover usage views volume votes wage weight width wins years_active""".split()

DATE_ATTRIBUTES = """arrival_date birth_date closing_date creation_date delivery_date
departure_date due_date end_date finish_date founding_date hire_date inspection_date join_date
last_visit launch_date opening_date order_date payment_date planting_date purchase_date
release_date renewal_date sale_date start_date update_date""".split()

YEAR_ATTRIBUTES = """year season_year built_year founded_year debut_year publication_year""".split()
FLAG_ATTRIBUTES = """active approved archived available closed featured paid private public
sold_out verified visible""".split()

ADJECTIVES = """amber ancient blue bold brass bright broad calm clear cold coral crimson curious
dark deep distant dusty early faint fierce final flat frozen gentle giant golden grand green grey
hidden hollow humble icy ivory jade late light little lively lonely lost loud lucky mellow misty
narrow noble northern old open orange pale plain proud purple quick quiet rapid red rough round
royal rusty sandy scarlet secret sharp short silent silver simple slow small smooth soft solid
southern steady steep still stone strong sunny sweet swift tall tender tiny true velvet warm
western white wide wild winter wooden yellow young""".split()

VALUES = {
    "color": "red blue green yellow black white orange purple silver brown".split(),
    "status": "open closed pending active cancelled done paused planned failed new".split(),
    "genre": "jazz rock folk comedy drama horror classical mystery western pop".split(),
    "language": "English French Spanish German Hindi Swahili Korean Polish Tamil".split(),
    "material": "oak steel copper wool clay glass cotton marble leather bronze".split(),
    "country": "France Japan Brazil Kenya India Norway Chile Egypt Canada Italy Peru".split(),
    "grade": "A B C D gold silver bronze junior senior".split(),
    "shape": "round square oval flat tall narrow".split(),
}
FIRST_NAMES = """Ada Amir Anna Ben Bruno Carla Chen Dana David Elena Emil Farah Felix Gita Hana
Hugo Ines Ivan Jana Joel Kavya Kofi Lara Leo Lina Maria Mateo Mila Nadia Nils Nina Olga Omar Oscar
Paula Pavel Priya Ravi Rosa Ruth Sami Sara Simon Sofia Tara Theo Tom Uma Vera Victor Wanda Yusuf
Zoe""".split()

ONSETS = "b br c ch cl d dr f fl g gr h j k kl l m n p pl pr qu r s sh sk sl st t th tr v w z".split()
VOWELS = "a e i o u ai ea ee ia io oa ou".split()
CODAS = ["", "", "", "l", "n", "r", "s", "t", "m", "k", "nd", "rt", "st", "x", "sh"]


def pseudo_word(random: Random, syllables: int | None = None) -> str:
    """An invented lower-case word such as `brilosk`."""
    count = syllables or random.choice((2, 2, 2, 3))
    parts = [random.choice(ONSETS) + random.choice(VOWELS) for _ in range(count)]
    return "".join(parts) + random.choice(CODAS)


def noun(random: Random) -> str:
    """One thing or person, in the singular, words joined by underscores."""
    return random.choice(THINGS if random.random() < 0.65 else PEOPLE)


def plural(word: str) -> str:
    """English plural of a regular noun."""
    if word.endswith(("s", "x", "ch", "sh", "z")):
        return word + "es"
    if word.endswith("y") and word[-2] not in "aeiou":
        return word[:-1] + "ies"
    return word + "s"


def person_name(random: Random) -> str:
    """A first name and an invented family name."""
    return f"{random.choice(FIRST_NAMES)} {pseudo_word(random).capitalize()}"


def place_name(random: Random) -> str:
    """An invented place."""
    word = pseudo_word(random).capitalize()
    return random.choice((word, f"{random.choice(ADJECTIVES).capitalize()} {word}", f"New {word}"))


def title(random: Random) -> str:
    """A name for a thing: two plain words, or an invented one."""
    pick = random.random()
    if pick < 0.5:
        return f"{random.choice(ADJECTIVES).capitalize()} {random.choice(THINGS).capitalize()}"
    if pick < 0.75:
        return pseudo_word(random).capitalize()
    return f"{pseudo_word(random).capitalize()} {random.choice(THINGS).capitalize()}"


def code(random: Random) -> str:
    """A short identifier such as `KT-408`."""
    letters = "".join(random.choice("ABCDEFGHJKLMNPRSTUVWXYZ") for _ in range(random.choice((1, 2, 3))))
    return f"{letters}{random.choice(('', '-'))}{random.randint(1, 999)}"


def date(random: Random) -> str:
    """An ISO date."""
    return f"{random.randint(1990, 2026)}-{random.randint(1, 12):02d}-{random.randint(1, 28):02d}"


def any_name(random: Random) -> str:
    """A name of any kind: the thing that answers are copied from."""
    return random.choice((pseudo_word, person_name, title, noun, code, place_name))(random)


def value_of(random: Random, attribute: str) -> str:
    """A fitting text value for a text attribute."""
    known = VALUES.get(attribute)
    if known and random.random() < 0.8:
        return random.choice(known)
    if attribute in ("city", "town", "origin", "location", "hometown", "district", "county"):
        return place_name(random)
    return random.choice((random.choice(ADJECTIVES), noun(random), pseudo_word(random), title(random)))


def number(random: Random) -> int:
    """A number of a size that people ask about."""
    return random.choice(
        (
            random.randint(2, 20),
            random.randint(10, 99),
            random.randint(100, 999),
            random.choice((50, 100, 150, 200, 500, 1000, 2000, 5000)),
        )
    )


def spoken(name: str) -> str:
    """`entry_fee` -> `entry fee`."""
    return name.replace("_", " ")


def distinct(random: Random, make: Callable[[Random], str], count: int) -> list[str]:
    """`count` different results of a maker."""
    found: dict[str, None] = {}
    while len(found) < count:
        found[make(random)] = None
    return list(found)
