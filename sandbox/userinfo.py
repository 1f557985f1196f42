"""What Pro Santé Connect says of a professional, field by field as the real one says it."""

from typing import Any

from sandbox.population import Practice, Professional

PROVIDER = "550dc1c8-d97b-4b1e-ac8c-8eb4471cf9dd"
SECTORS_OID = "1.2.250.1.71.4.2.4"
PROFESSIONS_OID = "1.2.250.1.213.1.1.5.5"
PRIVATE_CARD = "APPPRIP3^1.2.250.1.213.1.5.1.1.1"
ORDERS = {"10": "CNOM/CNOM/CNOM", "21": "CNOP/CNOP/CNOP", "60": "CNOI/CNOI/CNOI"}


def subject(professional: Professional) -> str:
    return f"f:{PROVIDER}:{professional.national_id}"


def told(professional: Professional) -> dict[str, Any]:
    first = professional.practices[0].structure
    return {
        "sub": subject(professional),
        "preferred_username": professional.national_id,
        "given_name": professional.given_name.upper(),
        "family_name": professional.name.upper(),
        "email_verified": False,
        "SubjectNameID": professional.national_id,
        "SubjectRole": [f"{professional.profession}^{PROFESSIONS_OID}"],
        "SubjectOrganization": first.name,
        "SubjectOrganizationID": f"F{first.finess}",
        "Secteur_Activite": f"{first.sector}^{SECTORS_OID}",
        "SubjectRefPro": {
            "codeCivilite": professional.civility,
            "exercices": [_exercise(professional)],
        },
        "otherIds": [{"identifiant": professional.national_id, "origine": "RPPS", "qualite": 1}],
        "Palier_Authentification": PRIVATE_CARD,
        "Acces_Regulation_Medicale": "FAUX",
        "Mode_Acces_Raison": "",
        "PSI_Locale": "1.2.250.1.213.1.3.1.1",
        "UITVersion": "1.0",
    }


def _exercise(professional: Professional) -> dict[str, Any]:
    return {
        "codeProfession": professional.profession,
        "codeCategorieProfessionnelle": "C",
        "codeCiviliteDexercice": professional.title,
        "nomDexercice": professional.name.upper(),
        "prenomDexercice": professional.given_name.upper(),
        "codeTypeSavoirFaire": professional.skill_kind,
        "codeSavoirFaire": professional.skill,
        "activities": [_activity(professional, practice) for practice in professional.practices],
    }


def _activity(professional: Professional, practice: Practice) -> dict[str, str]:
    place = practice.structure
    number, _, way = place.way.partition(" ")
    return {
        "codeModeExercice": practice.mode,
        "codeSecteurDactivite": place.sector,
        "codeSectionPharmacien": professional.pharmacist_section,
        "codeRole": "",
        "numeroSiretSite": "",
        "numeroSirenSite": "",
        "numeroFinessSite": place.finess,
        "numeroFinessetablissementJuridique": "",
        "identifiantTechniqueDeLaStructure": f"F{place.finess}",
        "raisonSocialeSite": place.name,
        "enseigneCommercialeSite": "",
        "complementDestinataire": "",
        "complementPointGeographique": "",
        "numeroVoie": number,
        "indiceRepetitionVoie": "",
        "codeTypeDeVoie": "",
        "libelleVoie": way.upper(),
        "mentionDistribution": "",
        "bureauCedex": f"{place.postcode} {place.town.upper()}",
        "codePostal": place.postcode,
        "codeCommune": "",
        "codePays": "99000",
        "telephone": "",
        "telephone2": "",
        "telecopie": "",
        "adresseEMail": "",
        "codeDepartement": "",
        "ancienIdentifiantDeLaStructure": f"1{place.finess}",
        "autoriteDenregistrement": ORDERS[professional.profession],
    }
