"""What a person is told before they consent. The version is kept with the consent.

Change a word and the version changes: a test keeps the fingerprint of each version.
"""

VERSION = "2026-11"

SECTIONS: tuple[tuple[str, str], ...] = (
    (
        "À quoi sert votre dossier médical partagé",
        "Il réunit au même endroit vos comptes rendus, vos résultats, vos traitements et les soins "
        "que l’Assurance maladie vous a remboursés depuis 24 mois. Vos soignants vous connaissent "
        "mieux, et vous n’avez plus à tout raconter à chaque fois.",
    ),
    (
        "Rien ne vous y oblige",
        "L’ouvrir est gratuit et facultatif. Dire non ne change rien à vos remboursements ni à vos "
        "soins. Vous pouvez le fermer à tout moment ; son contenu est alors conservé dix ans, puis "
        "détruit, ou plus tôt si vous le demandez.",
    ),
    (
        "Qui peut le lire",
        "Vous. Et les professionnels de santé qui vous soignent, quand vous avez dit oui, chacun "
        "selon son métier. Jamais votre employeur, votre mutuelle, votre banque ni votre assureur. "
        "L’agent qui vous aide à l’ouvrir n’en voit pas le contenu.",
    ),
    (
        "Ce que vous pouvez décider",
        "Vous choisissez qui le lit, vous retirez une autorisation quand vous voulez, et vous voyez "
        "chaque accès : qui, quand, pour quoi faire. Personne ne peut effacer cette liste, pas même "
        "nous.",
    ),
    (
        "En cas d’urgence",
        "Si vous ne pouvez pas répondre, un médecin peut lire votre dossier en expliquant pourquoi, "
        "et le Samu (centre 15) aussi. Vous en êtes prévenu. Vous pouvez refuser l’un ou l’autre "
        "maintenant, ou plus tard.",
    ),
    (
        "Comment vos données sont gardées",
        "Votre dossier est chiffré avec une clé qui n’appartient qu’à lui, conservée hors de la base "
        "de données. Vous pouvez demander à voir, à corriger ou à emporter ce qu’il contient, et "
        "saisir la CNIL.",
    ),
)
