"""Segments, language by language: fictional reports in which one sentence doubts."""

# ruff: noqa: RUF001  the marks of all scripts

import itertools
from typing import NamedTuple

import pytest

from broker.qualifiers import COVERED, SPACED, UNSPACED, Words
from broker.segments import split
from broker.wording import entries


class Report(NamedTuple):
    """Two sentences that stand alone; one that doubts; one that refers back."""

    first: str
    second: str
    doubt: str
    back: str
    between: str = " "


REPORTS = {
    "en": Report(
        "The attackers encrypted the servers of the clinic.",
        "Patients were moved to the hospital of the next town.",
        "The name of the group has not been confirmed.",
        "However, the clinic had warned of the mails in March.",
    ),
    "fr": Report(
        "Les pirates ont chiffré les serveurs de la clinique.",
        "Les patients ont été transférés dans un hôpital voisin.",
        "Le nom du groupe est présumé par les enquêteurs.",
        "Toutefois, la clinique avait été prévenue par un client.",
    ),
    "de": Report(
        "Die Angreifer haben die Server der Klinik verschlüsselt.",
        "Patienten wurden mit Bussen in ein Krankenhaus gebracht.",
        "Der Name der Gruppe ist bisher unbestätigt.",
        "Allerdings war die Klinik mit einer Mail gewarnt worden.",
    ),
    "es": Report(
        "Los atacantes cifraron los servidores de la clínica.",
        "Los pacientes fueron trasladados a un hospital cercano.",
        "El nombre del grupo aún no ha sido confirmado.",
        "Sin embargo, la clínica fue alertada por un cliente.",
    ),
    "pt": Report(
        "Os atacantes cifraram os servidores da clínica.",
        "Os pacientes foram levados para um hospital vizinho.",
        "O nome do grupo ainda não foi confirmado.",
        "No entanto, a clínica foi avisada por um cliente.",
    ),
    "id": Report(
        "Penyerang telah mengenkripsi server milik klinik.",
        "Pasien dipindahkan ke rumah sakit dengan bus.",
        "Nama kelompok pelaku belum dikonfirmasi.",
        "Namun, klinik telah diperingatkan oleh seorang pelanggan.",
    ),
    "ms": Report(
        "Penyerang telah menyulitkan pelayan milik klinik.",
        "Pesakit dipindahkan ke hospital dengan bas.",
        "Dakwaan terhadap kumpulan itu belum disahkan.",
        "Walau bagaimanapun, klinik telah diberi amaran oleh pelanggan.",
    ),
    "fil": Report(
        "Naka-encrypt ang mga server ng klinika.",
        "Inilipat ang mga pasyente sa ospital ng karatig-bayan.",
        "Hindi pa kumpirmado ang pangalan ng grupo.",
        "Gayunman, binalaan ng isang kliyente ang klinika.",
    ),
    "vi": Report(
        "Nhóm tin tặc đã mã hóa máy chủ của phòng khám.",
        "Bệnh nhân được chuyển đến bệnh viện gần nhất.",
        "Tên của nhóm chưa được xác nhận.",
        "Tuy nhiên, phòng khám đã được cảnh báo từ tháng ba.",
    ),
    "it": Report(
        "Gli aggressori hanno cifrato i server della clinica.",
        "I pazienti sono stati trasferiti nel vicino ospedale.",
        "Il nome del gruppo della rete non è stato confermato.",
        "Tuttavia, la clinica era stata avvisata da un cliente.",
    ),
    "nl": Report(
        "De aanvallers hebben een server van de kliniek versleuteld.",
        "Patiënten werden met bussen naar het ziekenhuis gebracht.",
        "De naam van de groep is niet bevestigd.",
        "Echter, een klant van de kliniek had gewaarschuwd.",
    ),
    "ru": Report(
        "Злоумышленники зашифровали серверы больницы.",
        "Пациенты были переведены в соседний город.",
        "Название группировки официально не подтверждено.",
        "Однако больницу предупредили ещё в марте.",
    ),
    "uk": Report(
        "Зловмисники зашифрували сервери лікарні.",
        "Пацієнтів перевезли до сусіднього міста.",
        "Назву угруповання офіційно не підтверджено.",
        "Однак лікарню попередили ще в березні.",
    ),
    "zh-Hans": Report(
        "攻击者加密了医院的服务器。",
        "病人被转移到邻近城市的医院。",
        "该组织的名称未经证实。",
        "然而医院在三月曾收到警报。",
        "",
    ),
    "zh-Hant": Report(
        "攻擊者加密了醫院的伺服器。",
        "病人被轉移到鄰近城市的醫院。",
        "該組織的名稱未經證實。",
        "然而醫院在三月曾收到警報。",
        "",
    ),
    "ja": Report(
        "攻撃者は病院のサーバーを暗号化した。",
        "患者は隣の市の病院に移送された。",
        "犯行グループの名前は未確認である。",
        "しかし病院は三月に警告を受けていた。",
        "",
    ),
    "ko": Report(
        "공격자가 병원의 서버를 암호화했다.",
        "환자들은 옆 도시의 병원으로 옮겨졌다.",
        "조직의 이름은 아직 확인되지 않았다.",
        "그러나 병원은 삼월에 경고를 받았다.",
    ),
    "ar": Report(
        "قام المهاجمون بتشفير خوادم المستشفى.",
        "نقل المرضى إلى المستشفى في المدينة المجاورة.",
        "اسم المجموعة التي نفذت الهجوم غير مؤكد.",
        "ومع ذلك تلقى المستشفى تحذيرا في شهر مارس.",
    ),
    "fa": Report(
        "مهاجمان سرورهای بیمارستان را رمزگذاری کردند.",
        "بیماران را از شهر به بیمارستانی دیگر منتقل کردند.",
        "نام گروهی که حمله کرد تایید نشده است.",
        "با این حال بیمارستان را در ماه مارس خبر کردند.",
    ),
    "ur": Report(
        "حملہ آوروں نے ہسپتال کے سرور لاک کر دیے۔",
        "مریضوں کو شہر کے دوسرے ہسپتال میں منتقل کیا گیا۔",
        "گروہ کے نام کی تصدیق باقی ہے۔",
        "تاہم ہسپتال کو مارچ میں خبردار کیا گیا تھا۔",
    ),
    "hi": Report(
        "हमलावरों ने अस्पताल के सर्वर लॉक कर दिए थे।",
        "मरीज़ों को पड़ोसी शहर के अस्पताल में ले जाया गया।",
        "समूह के नाम की पुष्टि नहीं हुई है।",
        "हालांकि अस्पताल को मार्च में चेतावनी मिली थी।",
    ),
    "th": Report(
        "ผู้โจมตีเข้ารหัสเซิร์ฟเวอร์ทุกเครื่องของโรงพยาบาลประจำจังหวัด",
        "เจ้าหน้าที่ย้ายผู้ป่วยไปโรงพยาบาลในจังหวัดใกล้เคียงทั้งคืน",
        "เจ้าหน้าที่ระบุว่าชื่อของกลุ่มที่ก่อเหตุยังไม่ได้รับการยืนยัน",
        "อย่างไรก็ตามโรงพยาบาลเคยได้รับคำเตือนจากลูกค้าเมื่อเดือนมีนาคม",
    ),
    "lo": Report(
        "ຜູ້ໂຈມຕີເຂົ້າລະຫັດເຊີບເວີທຸກເຄື່ອງຂອງໂຮງໝໍປະຈຳແຂວງ",
        "ເຈົ້າໜ້າທີ່ຍ້າຍຄົນເຈັບໄປໂຮງໝໍໃນແຂວງໃກ້ຄຽງໝົດຄືນ",
        "ເຈົ້າໜ້າທີ່ເວົ້າວ່າຊື່ຂອງກຸ່ມຍັງບໍ່ໄດ້ຮັບການຢືນຢັນ",
        "ຢ່າງໃດກໍຕາມໂຮງໝໍເຄີຍໄດ້ຮັບຄຳເຕືອນຈາກລູກຄ້າໃນເດືອນມີນາ",
    ),
    "km": Report(
        "ពួកវាយប្រហារបានចាក់សោម៉ាស៊ីនមេរបស់មន្ទីរពេទ្យ។",
        "អ្នកជំងឺត្រូវបានផ្ទេរទៅមន្ទីរពេទ្យក្នុងក្រុងជិតខាង។",
        "ឈ្មោះរបស់ក្រុមមិនទាន់ត្រូវបានបញ្ជាក់។",
        "ប៉ុន្តែមន្ទីរពេទ្យធ្លាប់ទទួលការព្រមានក្នុងខែមីនា។",
    ),
    "my": Report(
        "တိုက်ခိုက်သူများက ဆေးရုံ၏ ဆာဗာများကို ကုဒ်ဝှက်ခဲ့သည်။",
        "လူနာများကို အနီးရှိမြို့သို့ ပြောင်းရွှေ့ခဲ့သည်။",
        "အဖွဲ့၏အမည်ကို အတည်မပြုနိုင်သေးပါ။",
        "သို့သော် ဆေးရုံသည် မတ်လတွင် သတိပေးစာ ရခဲ့သည်။",
    ),
}
CASES = pytest.mark.parametrize("lang", REPORTS)


@CASES
@pytest.mark.parametrize("hint", [True, False])
def test_sentences_that_stand_alone_are_parted(lang: str, hint: bool) -> None:
    report = REPORTS[lang]
    text = report.first + report.between + report.second
    parts = [report.first + report.between, report.second]
    assert split(text, lang if hint else "") == parts


@CASES
def test_a_doubt_stays_with_what_stands_before_it(lang: str) -> None:
    report = REPORTS[lang]
    text = report.between.join((report.second, report.first, report.doubt))
    assert split(text)[-1] == report.first + report.between + report.doubt
    assert len(split(text)) == 2


@CASES
def test_a_doubt_at_the_beginning_stays_with_what_follows(lang: str) -> None:
    report = REPORTS[lang]
    text = report.between.join((report.doubt, report.first, report.second))
    assert split(text)[0] == report.doubt + report.between + report.first + (
        report.between
    )


@CASES
def test_a_reference_back_stays_with_what_stands_before_it(lang: str) -> None:
    report = REPORTS[lang]
    text = report.between.join((report.second, report.first, report.back))
    assert split(text) == [
        report.second + report.between,
        report.first + report.between + report.back,
    ]


@CASES
def test_a_doubt_of_the_next_paragraph_stays_too(lang: str) -> None:
    report = REPORTS[lang]
    text = f"{report.second}\n\n{report.first}\n\n{report.doubt}"
    assert split(text) == [
        f"{report.second}\n\n",
        f"{report.first}\n\n{report.doubt}",
    ]


def test_every_language_with_words_has_a_case() -> None:
    bases = {lang.split("-")[0] for lang in REPORTS}
    assert bases - {"ms", "fil"} == {*SPACED, *UNSPACED} - {"tl"}
    assert bases <= COVERED


TEXT = " ".join(REPORTS["en"][:2])


@pytest.mark.parametrize("lang", ["en", "en-GB", "EN", "fr", "zh-Hant-TW", ""])
def test_all_words_count_whatever_the_language_is_said_to_be(lang: str) -> None:
    assert len(split(TEXT, lang)) == 2
    assert len(split(" ".join(REPORTS["de"][::2]), lang)) == 1


@pytest.mark.parametrize("lang", ["sw", "tr-TR", "x-klingon", "en_GB"])
def test_a_text_said_to_be_in_another_language_stays_whole(lang: str) -> None:
    assert split(TEXT, lang) == [TEXT]


@pytest.mark.parametrize(
    "text",
    [
        "Washambuliaji walifunga seva za hospitali. Wagonjwa walihamishwa usiku.",
        "Angriberne krypterede hospitalets servere. Patienterne blev flyttet der om natten.",
        "Napastnicy zaszyfrowali serwery szpitala. Pacjenci zostali przewiezieni by spać.",
        "Angriparna krypterade sjukhusets servrar. Patienterna flyttades under natten.",
        "Útočníci zašifrovali servery nemocnice. Pacienti byli přesunuti do jiného města.",
        "Atacatorii au criptat serverele spitalului. Pacienții au fost mutați la alt spital.",
        "Giatake ang mga server sa ospital. Gibalhin ang mga pasyente sa laing lungsod.",
        "Saldırganlar hastanenin sunucularını şifreledi. Hastalar başka şehre taşındı.",
        "თავდამსხმელებმა საავადმყოფოს სერვერები დაშიფრეს. პაციენტები გადაიყვანეს.",
        "Οι δράστες κρυπτογράφησαν τους διακομιστές. Οι ασθενείς μεταφέρθηκαν αλλού.",
        "हल्लेखोरांनी रुग्णालयाचे सर्व्हर बंद केले. रुग्णांना दुसऱ्या गावी हलवले.",
    ],
)
def test_a_text_in_a_language_without_words_here_stays_whole(text: str) -> None:
    assert split(text) == [text]


def _words() -> list[tuple[str, str]]:
    tables = (SPACED | UNSPACED).items()
    return [
        (lang, kind)
        for (lang, table), kind in itertools.product(tables, Words._fields)
        if getattr(table, kind) or kind not in ("articles", "told", "carriers")
    ]


@pytest.mark.parametrize(("lang", "kind"), _words())
def test_each_entry_of_the_tables_is_words(lang: str, kind: str) -> None:
    found = entries(getattr((SPACED | UNSPACED)[lang], kind))
    assert [word for word in found if not word.strip(" -") or "  " in word] == []
    assert [word for word in found if any(c in word for c in ".()?*\n")] == []


@pytest.mark.parametrize(
    ("lang", "word"),
    [
        (lang, word)
        for lang, table in (SPACED | UNSPACED).items()
        for word in entries(table.doubts)
    ],
)
def test_every_word_of_doubt_is_understood(lang: str, word: str) -> None:
    carrier = REPORTS[{"tl": "fil", "zh": "zh-Hans"}.get(lang, lang)]
    stop = carrier.second[-1] if lang not in ("th", "lo") else ""
    words = carrier.second.removesuffix(stop)
    doubtful = f"{words} {word.removesuffix('-')}{stop}"
    text = carrier.first + carrier.between + doubtful
    assert split(text) == [text]


def _column(kind: str) -> list[tuple[str, str]]:
    return [
        (lang, word)
        for lang, table in (SPACED | UNSPACED).items()
        if getattr(table, kind)
        for word in entries(getattr(table, kind))
    ]


def _report(lang: str) -> Report:
    return REPORTS[{"tl": "fil", "zh": "zh-Hans"}.get(lang, lang)]


@pytest.mark.parametrize(("lang", "word"), _column("told"))
def test_every_word_for_what_is_told_keeps_what_follows(lang: str, word: str) -> None:
    report = _report(lang)
    stop = "" if lang in ("th", "lo") else report.second[-1]
    lead = f"{report.second.removesuffix(stop)} {word.removesuffix('-')}{stop}"
    told = f"{report.first}\n\n{report.second}\n\n{report.first}"
    assert len(split(told)) == 3
    assert split(f"{lead}\n\n{told}") == [f"{lead}\n\n{told}"]


@pytest.mark.parametrize(("lang", "word"), _column("carriers"))
def test_every_word_for_what_a_claim_rests_on_refers_back(lang: str, word: str) -> None:
    report = _report(lang)
    # "O" and "il" open sentences in Tagalog and French, too.
    instead = {"pt": "os", "it": "lo"}
    article = instead.get(lang, entries((SPACED | UNSPACED)[lang].articles)[0])
    begins = f"{article} {word.removesuffix('-')}".lstrip().capitalize()
    other = f"{article} xyzzy".lstrip().capitalize()
    assert len(split(f"{report.first}\n\n{other} {report.second}")) == 2
    assert len(split(f"{report.first}\n\n{begins} {report.second}")) == 1


@pytest.mark.parametrize(
    "text",
    [
        "Le maire a vendu les données. Le compte était piraté par des inconnus.",
        "El alcalde vendió los datos. La carta fue falsificada por los rivales.",
        "O prefeito vendeu os dados. A fonte não é confiável.",
        "Il sindaco ha venduto i dati della clinica. La fonte della notizia è inaffidabile.",
        "De burgemeester heeft een server verkocht. De bron is onbetrouwbaar.",
        "Walikota telah menjual data itu. Sumber yang dikutip tidak dapat dipercaya.",
        "Thị trưởng đã bán dữ liệu của dân. Nguồn tin không đáng tin cậy.",
        "Мэр продал данные больницы. Служащие видели сервер. Источник ненадёжен.",
        "Мэр продал данные больницы. Письмо оказалось подделкой.",
        "Мер продав дані лікарні. Лист виявився підробкою.",
        "市长卖了市民的数据。消息来源不可靠。",
        "市長はデータを売った。情報源は信頼できない。",
        "市長はデータを売った。画像はディープフェイクだった。",
        "باع العمدة بيانات المواطنين في المدينة. المصدر غير موثوق.",
        "Die Kampagne verbreitete zwei Geschichten. Wahlzettel wurden mit Benzin "
        "verbrannt. Ein Minister hat Geld für Gutachten genommen.",
        "Les récits de la campagne sont au nombre de deux. Des urnes ont été brûlées. "
        "Des ministres ont pris des enveloppes pour des amis.",
        "宣传活动散布两个故事。选票在市里被烧毁。部长收受贿赂。",
    ],
)
def test_what_undoes_or_announces_a_claim_stays_with_it(text: str) -> None:
    assert split(text) == [text]
