"""What people call identifiers: in sentences and forms of many languages, as keys in code, as headers of columns.

Each row: identifier, then labels. A label in capitals throughout is an abbreviation; keys are made of labels by
folding them to ASCII and joining their parts in the styles of code. Written from what forms and interfaces say, not
from the packs."""
import re, unicodedata

LABELS = {}

for line in """
payment.pan|card number|credit card|debit card no.|Card #|CC number|card|Kreditkartennummer|Kartennummer|Kreditkarte|numéro de carte bancaire|carte bleue|carte de crédit|número de tarjeta|tarjeta de crédito|numero carta di credito|carta di credito|número do cartão|cartão de crédito|numer karty|karta kredytowa|creditcardnummer|kaartnummer|kortnummer|kreditkort|kredi kartı|номер карты|クレジットカード番号|信用卡号
payment.cvv|CVV|CVC|CVV2|security code|card verification value|Prüfziffer|cryptogramme visuel|código de seguridad|codice di sicurezza|código de segurança|kod CVV
payment.expiry|expiry date|expiration date|exp date|valid thru|card expiry|gültig bis|Ablaufdatum|date d'expiration|fecha de caducidad|fecha de vencimiento|data di scadenza|validade|data ważności|vervaldatum|giltigt till
payment.iban|IBAN|account number (IBAN)|bank account|Kontonummer|Bankverbindung|compte bancaire|cuenta bancaria|conto corrente|conta bancária|numer konta|rekeningnummer|kontonummer
payment.bic|BIC|SWIFT|SWIFT code|BIC/SWIFT|BIC code|Swift/BIC|code BIC|código SWIFT|codice BIC|kod SWIFT
payment.us-aba-rtn|routing number|ABA routing number|ABA|bank routing no.|routing transit number|ACH routing
contact.email|email|e-mail|email address|mail|E-Mail-Adresse|adresse e-mail|correo electrónico|posta elettronica|e-mailadres|e-post|adres e-mail
contact.phone|phone|telephone|mobile|cell|tel.|Telefon|Handynummer|Mobil|téléphone|portable|teléfono|móvil|celular|telefono|cellulare|telefone|telemóvel|numer telefonu|telefoonnummer|mobiel|telefonnummer|mobilnummer|телефон|電話番号
contact.phone-national|phone|phone number|telephone no.|mobile|cell phone|tel.|Telefon|Telefonnummer|Handynummer|Mobil|téléphone|téléphone portable|teléfono|móvil|celular|telefono|cellulare|telefone|telemóvel|numer telefonu|telefoonnummer
national-id.us-ssn|SSN|social security number|Social Security #|SS number|applicant SSN|social security no
national-id.us-itin|ITIN|individual taxpayer identification number|taxpayer ID
national-id.us-ein|EIN|employer identification number|federal tax ID|FEIN|employer ID number
national-id.ca-sin|SIN|social insurance number|NAS|numéro d'assurance sociale
national-id.uk-nino|NINO|National Insurance number|NI number|National Insurance No|nat ins no
national-id.uk-utr|UTR|unique taxpayer reference|UTR number
national-id.ie-pps|PPS number|PPSN|PPS no|personal public service number
national-id.au-tfn|TFN|tax file number
national-id.nz-ird|IRD number|IRD|IRD no
national-id.be-nn|rijksregisternummer|numéro de registre national|INSZ|NISS|numéro national|national register number
national-id.fr-nir|numéro de sécurité sociale|NIR|n° sécu|numéro INSEE|sécurité sociale
national-id.fr-nif|numéro fiscal|NIF|numéro fiscal de référence|SPI
national-id.de-idnr|Steuer-ID|Steueridentifikationsnummer|steuerliche Identifikationsnummer|IdNr|Steuer-IdNr.
national-id.de-svnr|Sozialversicherungsnummer|Rentenversicherungsnummer|SV-Nummer|RVNR|Versicherungsnummer
national-id.at-svnr|SVNR|Sozialversicherungsnummer|SV-Nummer|Versicherungsnummer
national-id.lu-nin|matricule|numéro d'identification national|matricule national
national-id.nl-bsn|BSN|burgerservicenummer|BSN-nummer|sofi-nummer
national-id.ch-ahv|AHV-Nummer|AHV-Nr.|numéro AVS|numero AVS|OASI number|AHVN13
national-id.it-codice-fiscale|codice fiscale|CF|C.F.|Cod. Fiscale
national-id.es-dni|DNI|NIF|documento nacional de identidad|número de DNI
national-id.es-nie|NIE|número de identidad de extranjero
national-id.pt-cc|cartão de cidadão|número do cartão de cidadão|nº CC
national-id.pt-nif|NIF|número de contribuinte|contribuinte|nº de contribuinte
national-id.gr-amka|AMKA|ΑΜΚΑ
national-id.gr-afm|AFM|ΑΦΜ
national-id.cy-tic|TIC|tax identification code
national-id.hr-oib|OIB|osobni identifikacijski broj
national-id.si-emso|EMŠO|EMSO|enotna matična številka
national-id.se-personnummer|personnummer|personnr|svenskt personnummer
national-id.no-fnr|fødselsnummer|fødselsnr|personnummer|fnr
national-id.dk-cpr|CPR-nummer|CPR|CPR-nr|personnummer
national-id.fi-hetu|henkilötunnus|hetu|sosiaaliturvatunnus|personbeteckning
national-id.is-kennitala|kennitala|kt
national-id.ee-ik|isikukood|Estonian personal code
national-id.lt-ak|asmens kodas|a.k.
national-id.lv-pk|personas kods|p.k.
national-id.pl-pesel|PESEL|numer PESEL|nr PESEL
national-id.pl-nip|NIP|numer NIP|numer identyfikacji podatkowej
national-id.cz-rc|rodné číslo|RČ|r.č.
national-id.sk-rc|rodné číslo|RČ
national-id.hu-taj|TAJ szám|TAJ|TAJ-szám
national-id.ro-cnp|CNP|cod numeric personal
national-id.bg-egn|ЕГН|EGN
national-id.ru-inn12|ИНН|INN
national-id.ru-snils|СНИЛС|SNILS
national-id.ua-rnokpp|РНОКПП|ІПН|RNOKPP|ідентифікаційний код
national-id.tr-tckimlik|TC kimlik no|T.C. Kimlik Numarası|TCKN|kimlik no
national-id.br-cpf|CPF|número do CPF|CPF do titular
national-id.br-cnpj|CNPJ|número do CNPJ
national-id.mx-curp|CURP|clave CURP
national-id.mx-rfc|RFC|RFC con homoclave
national-id.ar-cuit|CUIT|CUIL|número de CUIT
national-id.do-cedula|cédula|cédula de identidad|número de cédula
national-id.cl-rut|RUT|RUN|RUT cliente
national-id.co-nit|NIT|número de NIT
national-id.ec-ci|cédula|cédula de identidad|cédula de ciudadanía
national-id.cn-ric|身份证号|身份证号码|公民身份号码|ID card number|resident identity card
national-id.in-gstin|GSTIN|GST number|GST no
national-id.in-aadhaar|Aadhaar number|Aadhaar|Aadhar no|UID (Aadhaar)|आधार
national-id.in-pan|PAN|PAN card|PAN number|permanent account number
national-id.in-epic|EPIC|voter ID|EPIC no|voter ID card
national-id.kr-rrn|주민등록번호|RRN|resident registration number
national-id.sg-nric|NRIC|NRIC/FIN|FIN|NRIC no
national-id.hk-hkid|HKID|Hong Kong ID|HKID no|香港身份證
national-id.tw-id|身分證字號|Taiwan ID|national ID|身分證號碼
national-id.th-pin|เลขประจำตัวประชาชน|เลขบัตรประชาชน|Thai ID|citizen ID|Thai national ID
national-id.jp-my-number|マイナンバー|個人番号|My Number
national-id.my-nric|MyKad|No. KP|IC number|NRIC|nombor kad pengenalan
national-id.id-nik|NIK|nomor KTP|No. KTP|nomor induk kependudukan
national-id.pk-cnic|CNIC|CNIC no|CNIC number
national-id.il-id|תעודת זהות|מספר זהות|Teudat Zehut|Israeli ID
national-id.za-id|SA ID number|South African ID|ID number|RSA ID
national-id.mu-nid|NIC|national identity card|NIC number
health.uk-nhs|NHS number|NHS no|NHS
health.au-medicare|Medicare number|Medicare card no|Medicare
health.us-npi|NPI|NPI number|national provider identifier
health.us-dea|DEA number|DEA|DEA #
health.us-mbi|MBI|Medicare beneficiary identifier|Medicare number|Medicare ID
travel.us-passport|passport number|US passport|passport no
travel.uk-passport|passport number|UK passport|passport no
secrets.generic-key|API key|client secret|access token|password|secret key|auth token|access key|private key|Passwort|mot de passe|contraseña|senha|hasło|wachtwoord|lösenord
secrets.aws-secret-access-key|AWS secret access key|aws_secret_access_key
""".strip().splitlines():
    name, *labels = line.split("|")
    LABELS[name] = labels

# Where these speak for themselves a word is no help.
SELF = "aws-access-key-id github-token gitlab-token npm-token slack-token stripe-key sendgrid-key google-api-key jwt url-password".split()
for name in SELF:
    LABELS["secrets." + name] = ["token", "API key", "key", "credentials"]

SPECIAL = str.maketrans({"ß": "ss", "ø": "o", "ł": "l", "ı": "i", "æ": "ae", "đ": "d"})


def key(r, label):
    """A label as a name in code; scripts without letters of ASCII stay."""
    folded = "".join(c for c in unicodedata.normalize("NFD", label.translate(SPECIAL)) if not unicodedata.combining(c)) if label.isascii() or max(map(ord, label)) < 0x250 else label
    parts = [p for p in re.split(r"[\s.,:;/()#'’°|-]+", folded) if p]
    capital = lambda p: p if p.isupper() else p[:1].upper() + p[1:].lower()
    lower = [p.lower() for p in parts]
    return r.choice((
        "_".join(lower), "_".join(lower), lower[0] + "".join(map(capital, lower[1:])), "".join(capital(p) for p in lower), "-".join(lower), "_".join(lower).upper(),
        r.choice(("customer_", "applicant_", "user_", "primary_")) + "_".join(lower), r.choice(("customer", "employee", "patient", "holder")) + "".join(map(capital, lower)),
        "_".join(lower) + r.choice(("__c", "_1", "_value", "_raw")), ".".join(lower)))


def header(r, label):
    """A label above a column."""
    return r.choice((label, label, label[:1].upper() + label[1:], label.upper(), key(r, label)))
