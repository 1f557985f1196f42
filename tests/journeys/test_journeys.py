"""The journeys of the people the house is for. They share one house, and each leaves it usable."""

import re

import pytest

from sandbox.population import (
    ANGE,
    CAMILLE,
    CHLOE,
    ELISE,
    FATOU,
    HUGO,
    INES,
    JEAN_BAPTISTE,
    JEANNINE,
    MARIE_OF_NICE,
    SOPHIE,
    YVES,
)  # fmt: skip
from tests.documents import files
from tests.journeys.doors import (
    CAMILLE_PHONE,
    PASSWORD,
    as_camille,
    as_employee,
    as_professional,
    chooses_a_password,
    opens_at_the_counter,
    opens_online,
    signs_in,
)

pytestmark = [pytest.mark.browser, pytest.mark.slow]

BY_INS, BY_NAME = 'button[value="numero"]', 'button[value="nom"]'


def test_a_newcomer_opens_her_dossier_online_and_reads_her_care(comes, world):
    elise = comes(width=390)
    elise.go_outside("/")
    elise.look("sandbox-qui")
    elise.go("/")
    elise.look("accueil")
    elise.follow("Ouvrir mon DMP")
    elise.look("ouvrir")
    elise.press("Commencer")
    elise.look("ouvrir-numero")
    elise.answer(nir="2 88 06 35 238 907 79")
    elise.press("Continuer")
    assert "la clé" in elise.words
    elise.look("ouvrir-numero-erreur")
    elise.answer(nir="2 88 06 35 238 907 78")
    elise.press("Continuer")
    elise.look("ouvrir-nom")
    elise.answer(birth_name="GARNIER", given_name="Elise")
    elise.press("Continuer")
    elise.look("ouvrir-naissance")
    elise.answer(birth_date_0="14", birth_date_1="6", birth_date_2="1988")
    elise.press("Continuer")
    elise.look("ouvrir-carte")
    elise.answer(vitale_serial=ELISE.vitale_serial)
    elise.press("Continuer")
    assert "14 juin 1988" in elise.words
    elise.look("ouvrir-relire")
    elise.press("Vérifier mon identité")
    assert "06 ** ** ** 07" in elise.words and ELISE.phone not in elise.page.content()
    elise.look("ouvrir-envoi")
    elise.tick("Par SMS")
    there = len(world.messages(ELISE.phone))
    elise.press("Recevoir mon code")
    elise.look("ouvrir-code")
    elise.answer(code=world.code(ELISE.phone, after=there))
    elise.press("Continuer")
    elise.look("ouvrir-acces")
    elise.answer(password=PASSWORD, again=PASSWORD)
    elise.press("Continuer")
    elise.look("ouvrir-joindre")
    elise.tick("Par SMS")
    elise.answer(value=ELISE.phone)
    there = len(world.messages(ELISE.phone))
    elise.press("M’envoyer un code")
    elise.look("ouvrir-joindre-code")
    elise.answer(code=world.code(ELISE.phone, after=there))
    elise.press("Continuer")
    elise.look("ouvrir-information")
    elise.follow("J’ai lu")
    emergencies = elise.page.locator("#id_break_glass, #id_regulation")
    assert [box.is_checked() for box in emergencies.all()] == [True, True]
    elise.look("ouvrir-accord")
    elise.tick("J’ai lu")
    elise.press("Ouvrir mon dossier")

    assert elise.path == "/mon-dmp/"
    elise.waits_to_read("parcours de soins est là")
    elise.look("patient-accueil")
    elise.follow(re.compile("Voir mon parcours"))
    for section in ("Médicaments", "Soins médicaux et dentaires", "Biologie"):
        assert section in elise.words
    elise.look("patient-soins")
    elise.go("/mon-dmp/acces/")
    assert "Vous avez ouvert votre dossier en ligne" in elise.words
    assert "L'Assurance Maladie a versé votre parcours de soins" in elise.words


def test_whoever_cannot_be_proved_online_is_sent_to_a_counter(comes):
    somebody = comes()
    somebody.go("/ouvrir/")
    somebody.press("Commencer")
    somebody.answer(nir=ELISE.nir)
    somebody.press("Continuer")
    somebody.answer(birth_name="Garnier", given_name="Élise")
    somebody.press("Continuer")
    somebody.answer(birth_date_0="31", birth_date_1="4", birth_date_2="1988")
    somebody.press("Continuer")
    assert "Il n'y a pas de 31 avril" in somebody.words
    assert "dit juin 88" in somebody.words
    somebody.look("ouvrir-naissance-doute")
    somebody.answer(birth_date_0="14", birth_date_1="6", birth_date_2="1988")
    somebody.press("Continuer")
    somebody.answer(vitale_serial="11111111111")
    somebody.press("Continuer")
    somebody.press("Vérifier mon identité")

    assert somebody.path == "/ouvrir/guichet/"
    somebody.look("ouvrir-guichet")


def test_a_holder_comes_in_reads_and_takes_an_authorisation_back(comes):
    camille = as_camille(comes())
    camille.follow("Documents")
    camille.look("patient-documents")
    camille.follow("Bilan sanguin annuel")
    assert "Ferritine" in camille.words
    camille.look("patient-cda")
    camille.go("/mon-dmp/documents/")
    camille.follow("Compte rendu d’hospitalisation")
    camille.page.locator("main img").first.scroll_into_view_if_needed()
    camille.page.wait_for_function("document.querySelector('main img').naturalWidth > 400")
    camille.look("patient-pdf")
    camille.follow(re.compile("^Accès"))
    assert "Le Dr Anne Lefèvre, Cabinet des Tilleuls, a lu « Ordonnance" in camille.words
    assert "Lucie Ferran" in camille.words and "Refusé" in camille.words
    camille.look("patient-acces")
    camille.follow("Soignants")
    camille.look("patient-soignants")
    camille.follow(re.compile("Retirer.*Saïdi", re.S))
    camille.look("patient-retirer")
    camille.press("Retirer l’autorisation")

    assert "Dr Karim Saïdi ne peut plus lire votre dossier" in camille.words
    camille.look("patient-retire")


def test_an_agent_opens_at_the_counter_and_the_person_comes_in_with_the_sheet(comes, world):
    roy = as_employee(comes(), "roy")
    letter_box = f"{JEANNINE.name}, {JEANNINE.address}"
    opens_at_the_counter(roy, JEANNINE, phone="06 39 98 44 55")
    assert roy.title == "Votre lettre arrive, Madame Combes"
    login, password = roy.secrets()
    roy.look("guichet-fiche-lettre")

    jeannine = comes(width=390)
    signs_in(jeannine, login, password, "0639984455")
    assert jeannine.title == "Il manque un code."
    jeannine.look("acces-endormi")
    jeannine.go("/mon-dmp/")
    assert jeannine.path.startswith("/connexion/"), "an access asleep opens nothing"
    jeannine.go("/connexion/eveil/")
    jeannine.answer(code=world.wake_code(letter_box, after=0))
    jeannine.press("Continuer")
    assert jeannine.title == "Choisissez votre mot de passe"
    jeannine.look("premier-mot-de-passe")
    jeannine.go("/mon-dmp/")
    assert jeannine.path.startswith("/connexion/"), "the printed password alone opens nothing"
    jeannine.go("/connexion/mot-de-passe/")
    chooses_a_password(jeannine)
    assert jeannine.title == "Bienvenue Jeannine"
    assert "Bernard Roy, agent d'accueil, CPAM de la Haute-Garonne, a ouvert votre dossier" in jeannine.words
    jeannine.page.locator("summary").first.click()
    jeannine.press("Se déconnecter")
    jeannine.look("patient-parti")

    jeannine.go("/connexion/")
    jeannine.answer(login=login, password=password)
    jeannine.press("Continuer")
    assert "ne convient pas" in jeannine.words, "the printed password served once"


def test_without_telephone_nor_mail_the_agent_hands_an_acknowledgement(comes):
    roy = as_employee(comes("roy"), "roy")
    opens_at_the_counter(roy, FATOU)

    assert roy.title == "Votre dossier est ouvert, Madame N'Diaye"
    assert roy.page.locator(".secret").count() == 1, "a reference, and no secret"
    roy.look("guichet-accuse")
    roy.go("/guichet/")
    with roy.page.expect_navigation():
        roy.page.locator('button[value="camille"]').click()
    roy.press("sa carte d’identité")
    assert roy.title == "Mme Moreau a déjà un dossier"
    roy.look("guichet-existe")
    roy.press("Rien aujourd’hui")
    assert roy.path == "/guichet/"


def test_a_pharmacist_opens_at_the_counter_and_reads_nothing_without_an_agreement(comes):
    lucie = as_professional(comes(), "Lucie Ferran")
    lucie.follow("Ouvrir un dossier")
    opens_at_the_counter(lucie, MARIE_OF_NICE, known=MARIE_OF_NICE.phone)
    assert lucie.title == "Vos accès, Madame Martin"
    lucie.look("guichet-fiche")
    assert "Pharmacie du Pont" in lucie.words and "Fiche remise par Lucie Ferran" in lucie.words

    lucie.go("/pro/")
    lucie.answer(ins=CAMILLE.nir)
    lucie.page.locator(BY_INS).click()
    lucie.follow(re.compile("Demander l.accord"))
    assert lucie.title == "Mme Moreau est-elle d'accord ?"
    assert "Bilan sanguin" not in lucie.page.content()
    assert lucie.is_refused(lucie.path.replace("accord/", "soins/")) == 403
    assert "Demandez-le-lui, puis déclarez cet accord" in lucie.words
    lucie.look("pro-refus")
    assert lucie.is_refused("/mon-dmp/documents/") == 403
    assert lucie.title == "Cette page appartient à un autre espace"


def test_a_doctor_is_let_in_reads_and_deposits_and_the_patient_sees_it(comes, world):
    lefevre = as_professional(comes(), "Dr Anne Lefèvre")
    lefevre.look("pro-recherche")
    lefevre.answer(ins=BERNARD_NIR)
    lefevre.page.locator(BY_INS).click()
    lefevre.look("pro-recherche-trouve")
    lefevre.follow(re.compile("Demander l.accord"))
    assert lefevre.title == "M. Lacoste est-il d'accord ?"
    lefevre.look("pro-accord")
    lefevre.press("Oui, ouvrir le dossier")
    assert "tels que votre profession peut les lire" in lefevre.words

    lefevre.go("/pro/")
    lefevre.answer(birth_name="moreau", birth_date="28/03/1979")
    lefevre.page.locator(BY_NAME).click()
    lefevre.follow(re.compile("Ouvrir le dossier de Camille"))
    dossier = lefevre.path
    lefevre.look("pro-dossier")
    lefevre.follow("Bilan sanguin annuel")
    assert "Ferritine" in lefevre.words
    lefevre.look("pro-cda")
    lefevre.go(dossier)
    lefevre.follow("Compte rendu d’hospitalisation")
    lefevre.page.wait_for_function("document.querySelector('main img').complete")
    lefevre.look("pro-pdf")
    lefevre.go(f"{dossier}soins/")
    lefevre.look("pro-soins")

    there = len(world.messages(CAMILLE_PHONE))
    lefevre.go(f"{dossier}deposer/")
    lefevre.look("pro-deposer")
    lefevre.press("Déposer")
    assert "Choisissez le fichier" in lefevre.words
    lefevre.look("pro-deposer-erreur")
    deposits(lefevre, "Lettre au cardiologue")
    lefevre.look("pro-recu")
    lefevre.waits_to_read("Le document est dans le dossier", asking_again="Voir où il en est")

    notice = world.message(CAMILLE_PHONE, after=there)
    assert "Votre DMP a changé. Connectez-vous comme d'habitude pour voir ce qui est nouveau." in notice
    assert not re.search("Lefèvre|Lettre|cardio|Camille a|adressage", notice)
    camille = as_camille(comes("camille"))
    camille.go("/mon-dmp/documents/")
    camille.follow("Lettre au cardiologue")
    assert camille.title == "Lettre au cardiologue"
    camille.go("/mon-dmp/acces/")
    told = camille.words
    doctor = "Le Dr Anne Lefèvre, Cabinet des Tilleuls,"
    assert re.search(rf"{doctor} a lu \d documents et votre parcours de soins\.", told), told[:2000]
    assert re.search(rf"{doctor} a déposé (« Lettre au cardiologue »|\d documents)\.", told), told[:2000]
    camille.page.get_by_text("Lesquels").first.click()
    assert "« Bilan sanguin annuel », à " in camille.words


BERNARD_NIR = "1 38 09 46 042 903 65"


def deposits(doctor, title: str) -> None:
    pdf = {"name": "lettre.pdf", "mimeType": "application/pdf", "buffer": files.pdf(title)}
    doctor.page.set_input_files("#id_content", pdf)
    doctor.answer(type="Lettre d’adressage", title=title)
    doctor.press("Déposer")
    assert doctor.title == "Document reçu, en cours de vérification"


def test_a_cardiologist_says_where_he_practises_today(comes):
    karim = as_professional(comes(), "Dr Karim Saïdi")
    assert karim.title == "Où exercez-vous aujourd'hui ?"
    karim.look("pro-situation")
    karim.tick("Centre hospitalier de la Garonne")
    karim.press("Continuer")

    assert karim.title == "Trouver un patient"
    assert "Centre hospitalier de la Garonne" in karim.page.inner_text("header")


@pytest.mark.parametrize(
    ("person", "told"),
    [
        (INES, "L'Assurance Maladie ne répond pas Nous réessaierons"),
        (HUGO, "ne connaît aucun soin remboursé dans la période"),
        (JEAN_BAPTISTE, "L'Assurance Maladie n'a rien à verser"),
    ],
    ids=["silent", "nothing reimbursed", "nothing known"],
)
def test_what_the_insurer_answers_is_told_truthfully(comes, person, told):
    roy = as_employee(comes("roy"), "roy")
    opens_at_the_counter(roy, person, known=person.phone)
    login, password = roy.secrets()

    holder = comes(width=390)
    signs_in(holder, login, password, person.phone)
    chooses_a_password(holder)
    holder.go("/mon-dmp/soins/import/")
    holder.waits_to_read(told)
    holder.look(f"patient-import-{person.slug}")
    holder.go("/mon-dmp/soins/")
    assert holder.page.locator(".entry").count() == 0


def test_the_team_mends_what_waits_for_a_person(comes, world):
    roy = as_employee(comes("roy"), "roy")
    opens_at_the_counter(roy, CHLOE, known=CHLOE.phone)
    opens_at_the_counter(roy, SOPHIE, known=SOPHIE.phone)
    login, password = roy.secrets()

    ines = as_employee(comes(), "equipe")
    for _ in range(60):
        if ines.page.locator("tbody tr").count() == 2:
            break
        ines.page.wait_for_timeout(500)
        ines.go("/equipe/")
    assert "coupé en route" in ines.words and "ne parle pas du titulaire" in ines.words
    assert not re.search("Chloé|Müller|Sophie|Silva", ines.page.content())
    ines.look("equipe")

    outside = comes()
    outside.go_outside("/assureur/")
    outside.look("sandbox-assureur")
    outside.page.locator("#chloe select").select_option("answers")
    with outside.page.expect_navigation():
        outside.page.locator("#chloe button").click()
    decides(ines, "coupé en route", "Relancer")
    assert "La tâche repart" in ines.words
    decides(ines, "ne parle pas du titulaire", "Clore")
    assert "La tâche est close" in ines.words and "Rien n'attend" in ines.words
    ines.look("equipe-rien")

    sophie = comes()
    signs_in(sophie, login, password, SOPHIE.phone)
    chooses_a_password(sophie)
    sophie.follow(re.compile("^Parcours"))
    assert sophie.page.locator(".entry").count() == 0
    assert "Une personne de l'équipe l'a examiné et l'a laissé dehors" in sophie.words
    sophie.look("patient-soins-vide")


def decides(staff, task: str, verb: str) -> None:
    with staff.page.expect_navigation():
        staff.page.locator("tbody tr").filter(has_text=task).get_by_role("link", name=verb).click()
    staff.look(f"equipe-{verb.lower()}")
    staff.press(verb)


def test_a_dossier_is_opened_with_a_keyboard_alone(comes, world):
    ange = comes()
    ange.go("/ouvrir/")
    ange.reach("Commencer")
    ange.key("Enter")
    ange.type_in("Numéro de sécurité sociale", "1 71 11 2a 004 914 47")
    ange.key("Enter")
    ange.type_in("Nom de naissance", "Colonna d'Istria")
    ange.type_in("Premier prénom", "Ange Toussaint")
    ange.key("Enter")
    ange.type_in("Jour", "1")
    ange.type_in("Mois", "11")
    ange.type_in("Année", "1971")
    ange.key("Enter")
    ange.type_in("Numéro de série", ANGE.vitale_serial)
    ange.key("Enter")
    ange.reach("Vérifier mon identité")
    ange.key("Space")
    ange.reach("Par SMS")
    ange.page.keyboard.press("Space")
    ange.reach("Recevoir mon code")
    there = len(world.messages(ANGE.phone))
    ange.key("Enter")
    ange.type_in("Code reçu", world.code(ANGE.phone, after=there))
    ange.key("Enter")
    ange.type_in("Mot de passe", PASSWORD)
    ange.type_in("une seconde fois", PASSWORD)
    ange.key("Enter")
    ange.reach("Par SMS")
    ange.page.keyboard.press("Space")
    ange.type_in("Numéro de mobile", ANGE.phone)
    there = len(world.messages(ANGE.phone))
    ange.key("Enter")
    ange.type_in("Code reçu", world.code(ANGE.phone, after=there))
    ange.key("Enter")
    ange.reach("J'ai lu")
    ange.key("Enter")
    ange.reach("J'ai lu")
    ange.page.keyboard.press("Space")
    ange.reach("Ouvrir mon dossier")
    ange.key("Space")
    assert ange.title == "Bienvenue Ange-Toussaint"
    ange.reach("Parcours")
    ange.key("Enter")
    assert ange.title == "Parcours de soins"


def test_without_scripts_a_dossier_is_opened_and_its_import_followed(comes):
    yves = comes(width=390, scripts=False)
    opens_online(yves, YVES)
    assert "parcours de soins arrive" in yves.words, "the insurer takes its time about him"
    yves.follow("Voir où cela en est")
    yves.waits_to_read("Votre parcours de soins est là", asking_again="Actualiser")
    yves.follow("Voir mon parcours de soins")
    assert "Médicaments" in yves.words


def test_without_scripts_a_document_is_deposited(comes):
    lefevre = as_professional(comes("Dr Anne Lefèvre", scripts=False), "Dr Anne Lefèvre")
    lefevre.go("/pro/")
    lefevre.answer(ins=CAMILLE.nir)
    lefevre.page.locator(BY_INS).click()
    lefevre.follow(re.compile("Ouvrir le dossier de Camille"))
    lefevre.follow("Déposer un document")
    deposits(lefevre, "Certificat")
    lefevre.waits_to_read("Le document est dans le dossier", asking_again="Voir où il en est")
    lefevre.follow("Lire le document")
    assert lefevre.title == "Certificat"
