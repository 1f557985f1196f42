"""What a person is told before they consent. The version is kept with the consent.

Change a word and the version changes: a test keeps the fingerprint of each version. Short sentences, one
idea each: many read slowly. What the law allows is said as such; what this service does not do yet is not
promised.
"""

VERSION = "2026-11-27"

# What the version before said otherwise: shown at their next visit to those who agreed to it.
CHANGES: tuple[str, ...] = (
    "Nous disions que personne ne peut effacer la liste des accès. Il est plus juste de dire ceci : "
    "une ligne changée ou retirée se voit à la vérification.",
    "Nous disions qu’en urgence un médecin ou le Samu peut lire votre dossier. La loi le permet, sauf"
    " si vous vous y opposez. Mais ce service n’ouvre encore aucun de ces deux accès. Votre réponse "
    "est gardée.",
    "Nous disions que la clé de votre dossier est hors de la base de données. Elle y est, enfermée "
    "sous une autre clé, qui n’y est pas.",
    "Nous ajoutons qui remplit votre dossier, et ce que la loi permet à votre médecin traitant.",
    "Nous ajoutons que, sans Internet, une autorisation s’arrête seule au bout d’un an.",
)

SECTIONS: tuple[tuple[str, str], ...] = (
    (
        "À quoi sert votre dossier médical partagé",
        "Il réunit vos comptes rendus, vos résultats et vos ordonnances. L’Assurance Maladie y verse "
        "aussi vos soins remboursés depuis 24 mois. Vos soignants vous connaissent mieux. Vous n’avez "
        "plus à tout raconter.",
    ),
    (
        "Rien ne vous y oblige",
        "L’ouvrir est gratuit et facultatif. Dire non ne change ni vos soins, ni vos remboursements. Vous"
        " pouvez demander à le fermer quand vous voulez, sans dire pourquoi. Il est alors gardé dix ans, "
        "puis détruit. Vous pouvez demander qu’il le soit plus tôt.",
    ),
    (
        "Qui peut le lire",
        "Vous. Et les professionnels de santé à qui vous avez dit oui, chacun selon son métier. La loi "
        "permet à votre médecin traitant de lire aussi les documents masqués. Jamais votre employeur, "
        "votre banque, votre assureur, votre mutuelle. L’agent qui vous aide à l’ouvrir n’en voit pas le "
        "contenu.",
    ),
    (
        "Qui le remplit",
        "Les professionnels de santé qui vous soignent. Vous voyez qui a déposé quoi. Un professionnel "
        "peut vouloir vous annoncer un résultat lui-même. La loi lui donne un mois au plus.",
    ),
    (
        "Ce que vous pouvez décider",
        "Vous choisissez qui le lit. Par Internet, vous voyez chaque accès : qui, quand, pour quoi faire. "
        "Vous retirez une autorisation quand vous voulez. Sans Internet, elle s’arrête seule au bout d’un "
        "an. Une ligne changée ou retirée se voit à la vérification.",
    ),
    (
        "En cas d’urgence",
        "Il faut deux choses à la fois : vous ne pouvez pas vous exprimer, et votre santé court un risque "
        "immédiat. La loi permet alors à un professionnel de santé de lire votre dossier. Il écrit pourquoi."
        " Si on appelle le centre 15 pour vous, elle permet au médecin régulateur de le lire. Vous pouvez "
        "vous opposer à l’un, à l’autre, ou aux deux. Ce service n’ouvre encore aucun de ces deux accès. "
        "Votre réponse est gardée.",
    ),
    (
        "Comment vos données sont gardées",
        "Votre dossier est chiffré avec une clé qui n’appartient qu’à lui. Cette clé est enfermée sous une "
        "autre, qui n’est pas dans la base de données. Vous pouvez demander à voir, à corriger ou à "
        "emporter ce qu’il contient. Vous pouvez saisir la CNIL. La page « Vos données, vos droits » dit "
        "qui en répond.",
    ),
)
