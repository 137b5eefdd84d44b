"""Pieces per word and per character, script by script: `python -m common.embedded.fertility`."""

from . import TEXT_MODEL_FOLDER
from .tokenizer import load

# One plain sentence a script, our own words: the weather is good today and we are going to the river.
SENTENCES = {
    "English": "The weather is good today and we are going to the river.",
    "SQL": "SELECT T1.name, COUNT(*) FROM boat AS T1 JOIN trip AS T2 ON T2.boat_id = T1.id GROUP BY T1.id",
    "JSON": '{"name": "Amber Kite", "length": 12, "city": "Porto", "open": true}',
    "Devanagari": "आज मौसम अच्छा है और हम नदी की ओर जा रहे हैं।",
    "Bengali": "আজ আবহাওয়া ভালো এবং আমরা নদীর দিকে যাচ্ছি।",
    "Tamil": "இன்று வானிலை நன்றாக உள்ளது, நாங்கள் ஆற்றுக்குச் செல்கிறோம்.",
    "Telugu": "ఈరోజు వాతావరణం బాగుంది, మేము నదికి వెళ్తున్నాము.",
    "Gujarati": "આજે હવામાન સારું છે અને અમે નદી તરફ જઈ રહ્યા છીએ.",
    "Kannada": "ಇಂದು ಹವಾಮಾನ ಚೆನ್ನಾಗಿದೆ ಮತ್ತು ನಾವು ನದಿಗೆ ಹೋಗುತ್ತಿದ್ದೇವೆ.",
}


def rows() -> list[tuple[str, float, float]]:
    """Script, pieces per word, pieces per character."""
    tokenizer = load(TEXT_MODEL_FOLDER)
    found = []
    for script, text in SENTENCES.items():
        pieces = len(tokenizer.encode(text))
        found.append((script, pieces / len(text.split()), pieces / len(text)))
    return found


def main() -> None:
    """Print the table of the model card."""
    print("| script | pieces a word | pieces a character |\n|---|---|---|")
    for script, words, characters in rows():
        print(f"| {script} | {words:.2f} | {characters:.2f} |")


if __name__ == "__main__":
    main()
