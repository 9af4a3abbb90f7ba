"""Made-up comments, by language and by whether the person was content."""

from __future__ import annotations

from typing import Final

GOOD: Final = {
    "en": ("Quick and clear.", "I had the paper the next day, thank you.", "Much easier than at the counter."),
    "el": ("Γρήγορα και απλά.", "Ευχαριστώ, όλα έγιναν από το κινητό.", "Πολύ καλύτερα από την ουρά."),
    "fa": ("سریع و روشن بود.", "ممنون، خیلی راحت انجام شد."),
}
BAD: Final = {
    "en": (
        "The payment page froze twice.",
        "I could not upload my documents.",
        "Nobody told me which papers I need.",
        "Waiting for weeks without any message.",
    ),
    "el": (
        "Η σελίδα πληρωμής κόλλησε.",
        "Δεν ανέβαιναν τα δικαιολογητικά.",
        "Περιμένω εβδομάδες χωρίς ενημέρωση.",
    ),
    "fa": ("صفحهٔ پرداخت باز نشد.", "بارگذاری مدارک ممکن نبود."),
}
