"""Words by which one sentence qualifies another, for each language. Data, and pure.

A sentence with such words is never withheld without its neighbours, and sentences
are parted only in languages that stand here. So an entry too many costs a cut, an
entry too few may cost a person: extend these lists freely.

Entries are parted by commas. In `SPACED` an entry is whole words, or with a final
`-` the beginning of one; in `UNSPACED`, where endings and prefixes are joined to a
word, it is found anywhere, and a space at its end counts. Longer than a file should
be, since it is one table.
"""
# ruff: noqa: RUF001  words of all scripts

from typing import Final, NamedTuple


class Words(NamedTuple):
    """The words of one language.

    Attributes:
        opens: A sentence that begins so refers back, adds to or limits the one before.
        doubts: State how certain a claim is, or who makes it.
        hedges: Limit, deny or refer back inside a sentence.
        ahead: With a doubt or hedge: it holds for what follows.
        scope: With a doubt: it holds for the whole text.
        revokes: Hold for the whole text by themselves.
    """

    opens: str
    doubts: str
    hedges: str
    ahead: str = ""
    scope: str = ""
    revokes: str = ""


SPACED: Final[dict[str, Words]] = {
    "en": Words(
        "however, but, although, though, yet, still, nevertheless, nonetheless, despite, "
        "in spite, while, whereas, instead, rather, otherwise, conversely, on the other, "
        "on the contrary, in contrast, by contrast, contrary, in fact, in reality, "
        "actually, it, its, it's, they, their, them, he, his, she, her, there, both, "
        "either, or, and, so, thus, hence, therefore, consequently, accordingly, as a "
        "result, because, since, if, even, also, additionally, moreover, furthermore, in "
        "addition, besides, likewise, similarly, then, afterwards, later, meanwhile, in "
        "other words, for example, for instance, namely, specifically, based on, as of, "
        "as such, update-, edit, note, nb, ps, caveat-, caution, warning, which, who, "
        "whose, where, here, the former, the latter, the above, the same, another, "
        "other, others, some, all, each, several, many, most, any, few, one, at that "
        "time, at the same time, unlike, includes, including, often, such, only, yes, what, why, how, when, whether, until, too, again, wrong, "
        "denied, false, you, your, following, given, depending, provided, assuming",
        "unconfirmed, unverified, confirmed, verified, none of, unsubstantiated, "
        "uncorroborated, unproven, unfounded, "
        "baseless, groundless, not confirmed, not been confirmed, not verified, not been "
        "verified, yet to be, could not be, independently verif-, alleg-, purport-, "
        "supposed-, reportedly, rumour-, rumor-, deny, denie-, denial-, dispute-, refut-, "
        "reject-, contradict-, disprov-, debunk-, false, falsely, fake, hoax-, fabricat-, "
        "suspect, suspects, suspected, suspicion-, ruled out, rule out, no evidence, no "
        "proof, no "
        "indication-, under investigation, under review, being investigated, preliminar-, "
        "provisional-, tentativ-, unclear, uncertain-, doubt-, inconclusive, speculat-, "
        "contrary to, according to, said to be, sources, confidence, exonerat-, acquit-, "
        "innocent, not guilty, wrongly, mistaken-, incorrect-, inaccura-, erroneous-, "
        "untrue, not true, satire, parody, exercise, hypothetical-, fictitious, fictional, "
        "accus-, so-called, disagree-, misattribut-, mislead-, misquot-, misidentif-, "
        "staged, drill, prank, joke, lie, lies, lied, myth, revis-, overturn-, cleared, "
        "dismiss-, "
        "freed, guess-, protest-, oppos-, apologi-, blam-, settle-",
        "not, isn't, aren't, wasn't, weren't, doesn't, don't, didn't, hasn't, haven't, "
        "hadn't, won't, wouldn't, can't, couldn't, shouldn't, cannot, no, never, none, "
        "nobody, nothing, neither, nor, no longer, may, might, could, "
        "likely, unlikely, possib-, probab-, potential-, perhaps, maybe, apparent-, "
        "seem-, appear-, believ-, assess-, estimat-, except-, unless, however, "
        "although, though, this, that day, these, those, claim-, reported, "
        "attribut-, confirm-, verif-, investigat-, pending, unknown, unrelated, "
        "unaffected, exclud-, exempt-, withdraw-, instead, contrary, presum-, "
        "unsuccessful-, simulat-, draft",
        "following, below, next, as follows, listed",
        "above, this report, this document, this text, this advisory, this record, this "
        "article, this information, this analysis, the information, these claims, these "
        "allegations, these reports, all of, any of, none of, all claims, everything, "
        "entire, earlier report-, previous report-, previously reported, earlier claim-, "
        "earlier statement-, aforementioned, foregoing, throughout",
        "correction, corrections, corrigendum, erratum, errata, retract-, disclaimer-, "
        "withdrawn, clarification",
    ),
    "fr": Words(
        "cependant, toutefois, mais, néanmoins, pourtant, bien que, malgré, en revanche, "
        "or, ce, cet, cette, ces, cela, ceci, c'est, c'était, ceux-ci, celui-ci, celle-ci, "
        "il, ils, elle, elles, son, sa, ses, leur, leurs, selon, d'après, si, sauf, "
        "seul, seule, seuls, seulement, aussi, ainsi, donc, de plus, en outre, par "
        "ailleurs, également, puis, ensuite, enfin, aucun, aucune, aucun-, ni, et, ou, "
        "autre, autres, d'autres, mise à jour, remarque, attention, note, note-, plusieurs, "
        "certains, certaines, quelques, tous, toutes, quant, y compris, en effet, car, "
        "parmi, le même, la même, les mêmes, lequel, laquelle, lesquels, lesquelles",
        "non confirmé-, pas confirmé-, pas été confirmé-, non vérifié-, pas vérifié-, pas "
        "été vérifié-, présumé-, prétend-, allégation-, allégu-, rumeur-, dément-, "
        "démenti-, nie, nient, nié, niée, contest-, réfut-, faux, fausse, fausses, "
        "faussement, infondé-, soupçon-, suspect-, exclu, exclure, exclue, aucune preuve, "
        "pas de preuve, sans preuve, aucun élément, enquête en cours, en cours "
        "d'investigation, en cours de vérification, préliminaire-, provisoire-, incertain-, "
        "pas clair, doute-, douteu-, contrairement à, d'après, selon, serait, seraient, "
        "aurait, auraient, supposé-, innocen-, erroné-, à tort, inexact-, canular-, accus-, "
        "spécul-, hypothèse-, hypothétique-, "
        "libér-, relâch-, acquitt-, relax-, non-lieu, excus-, accusé-",
        "pas, ne, n'est, n'a, n'ont, n'était, n'y, jamais, aucun, aucune, sans, rien, "
        "personne, ni, sauf, hormis, excepté, probable-, possible-, possiblement, "
        "peut-être, peut, pourrait, pourraient, potentiel-, semble-, apparem-, "
        "vraisembl-, affirm-, revendiqu-, attribu-, confirm-, vérifi-, enquêt-, ces, cette, "
        "ceci, cela, seulement, uniquement, toutefois, cependant",
        "suivant-, ci-dessous, ci-après",
        "ci-dessus, ce rapport, ce document, ces informations, l'ensemble, toutes ces, "
        "tous ces, précédemment, susmentionné-, tout ce qui",
        "correction, corrections, erratum, rectificatif, rectification, rétract-, démenti, "
        "avertissement",
    ),
    "de": Words(
        "aber, jedoch, doch, allerdings, dennoch, trotzdem, obwohl, obgleich, dagegen, "
        "hingegen, stattdessen, sondern, dies, diese, dieser, dieses, diesen, diesem, das, "
        "es, er, sie, ihre, ihr, ihren, sein, seine, seinen, solche, solcher, solches, "
        "nach angaben, laut, wenn, falls, sofern, außer, nur, lediglich, nicht, kein-, "
        "niemand, auch, außerdem, zudem, ferner, darüber hinaus, ebenso, ebenfalls, "
        "daher, deshalb, somit, also, damit, dabei, dazu, danach, dann, später, hierbei, "
        "dadurch, davon, darunter, dort, denn, weil, da, und, oder, sowie, so, andere, "
        "anderen, einige, mehrere, viele, alle, beide, jede-, update, aktualisierung, "
        "nachtrag, hinweis, achtung, anmerkung, inzwischen, mittlerweile, zugleich, "
        "gleichzeitig, während, ersterer, letzterer, letztere, deren, dessen, welche, derzeit",
        "unbestätigt-, nicht bestätigt, nicht verifiziert, ungeprüft-, unbelegt-, nicht "
        "belegt, angeblich-, mutmaßlich-, vermeintlich-, gerücht-, bestreite-, bestritt-, "
        "dementi-, leugne-, widersprich-, widersprach-, widerlegt-, falsch-, unwahr-, "
        "verdacht-, verdächtig-, nicht ausgeschlossen, ausgeschlossen, keine beweise, kein "
        "beweis, keine belege, keine hinweise, keinen hinweis, keine anzeichen, ermittel-, "
        "wird untersucht, werden untersucht, vorläufig-, unklar-, ungewiss-, zweifel-, "
        "fraglich, entgegen, laut, nach angaben, zufolge, sollen, soll, unschuldig, "
        "irrtümlich-, unzutreffend-, fälschlich-, spekul-, beschuldig-, sogenannte-, "
        "freigesprochen, freigelassen, freispruch-, entschuldig-, vorw-",
        "nicht, kein, keine, keinen, keiner, keinem, nie, niemals, nichts, ohne, weder, "
        "noch nicht, möglich-, vermutlich, wahrscheinlich, vielleicht, eventuell, "
        "offenbar, anscheinend, scheint, scheinen, könnte, könnten, dürfte, dürften, "
        "potenziell-, potentiell-, vermutet, behaupte-, zugeschrieben, bestätig-, "
        "verifiziert, untersuch-, nur, lediglich, ausgenommen, außer, allerdings, jedoch, "
        "diese, dieser, dieses, diesen, diesem, auch",
        "folgende-, nachstehend-, nachfolgend-, unten",
        "obige-, oben, dieser bericht, dieses dokument, diese angaben, diese "
        "informationen, sämtliche, alle angaben, vorstehend-, gesamte-, zuvor gemeldet-",
        "korrektur, berichtigung, richtigstellung, widerruf-, zurückgezogen, gegendarstellung",
    ),
    "es": Words(
        "sin embargo, pero, aunque, no obstante, a pesar, en cambio, por el contrario, "
        "mientras, este, esta, estos, estas, esto, ese, esa, esos, esas, eso, ello, ellos, "
        "ellas, él, ella, su, sus, dicho, dicha, dichos, dichas, según, de acuerdo con, "
        "si, salvo, excepto, solo, sólo, solamente, no, ningún, ninguna, ninguno, nadie, "
        "tampoco, también, además, asimismo, por tanto, por lo tanto, así, luego, "
        "después, y, o, ni, otro, otra, otros, otras, algunos, algunas, varios, varias, "
        "todos, todas, ambos, ambas, porque, ya que, actualización, nota, aviso, "
        "advertencia, entre ellos, entre ellas, es decir, por ejemplo, cabe, asimismo, "
        "mientras tanto, posteriormente, entonces, tal, tales, el mismo, la misma, lo cual",
        "sin confirmar, no confirmad-, no ha sido confirmad-, no se ha confirmado, no "
        "verificad-, sin verificar, no se ha verificado, no se ha podido, presunt-, "
        "supuest-, alegad-, rumor-, niega, niegan, negó, negaron, desmient-, desmint-, "
        "desmentid-, refut-, rechaz-, fals-, infundad-, sospech-, descarta-, sin pruebas, "
        "no hay pruebas, no hay evidencia-, sin evidencia-, bajo investigación, en "
        "investigación, está siendo investigad-, preliminar-, provisional-, incierto, "
        "incierta, no está claro, dud-, contrariamente, al contrario, según, de acuerdo "
        "con, habría, habrían, inocente-, erróne-, incorrect-, inexact-, acus-, especul-, "
        "bulo-, "
        "absuelt-, absolv-, liberad-, en libertad, disculp-, culpa-",
        "no, nunca, jamás, ningún, ninguna, ninguno, nada, nadie, sin, tampoco, salvo, "
        "excepto, probable-, posible-, posiblemente, quizá, quizás, tal vez, puede, "
        "podría, podrían, potencial-, parece-, aparente-, creer, cree, creen, afirm-, "
        "reivindic-, atribu-, confirm-, verific-, investig-, solo, sólo, únicamente, esta, "
        "este, estos, estas, esto, dicho, dicha, también",
        "siguiente-, a continuación, abajo",
        "anterior-, este informe, este documento, esta información, toda la, todo lo, "
        "todas las, todos los, ninguna de, ninguno de, arriba, mencionad-",
        "corrección, correcciones, rectificación, fe de erratas, retract-, desmentido, "
        "aclaración, retirado, retirada",
    ),
    "pt": Words(
        "no entanto, porém, mas, embora, contudo, todavia, entretanto, apesar, em vez, "
        "pelo contrário, enquanto, isto, isso, isto é, este, esta, estes, estas, esse, "
        "essa, esses, essas, aquele, aquela, ele, ela, eles, elas, seu, sua, seus, suas, "
        "segundo, de acordo com, conforme, se, salvo, exceto, só, apenas, somente, não, "
        "nenhum, nenhuma, ninguém, nem, também, além disso, ademais, portanto, assim, "
        "logo, depois, então, e, ou, outro, outra, outros, outras, alguns, algumas, "
        "vários, várias, todos, todas, ambos, ambas, porque, pois, atualização, nota, "
        "aviso, tal, tais, o mesmo, a mesma, por exemplo, já que, mais tarde, tampouco",
        "não confirmad-, não foi confirmad-, não foram confirmad-, sem confirmação, não "
        "verificad-, não foi verificad-, não foi possível, alegad-, alegaç-, suposto, "
        "suposta, supostos, supostas, supostamente, presumi-, boato-, rumor-, nega, "
        "negam, negou, negaram, desment-, refut-, rejeit-, fals-, infundad-, suspeit-, "
        "descarta-, sem provas, não há provas, não há evidência-, sem evidência-, nenhuma "
        "evidência, sob investigação, em investigação, sendo investigad-, preliminar-, "
        "provisóri-, incert-, não está claro, dúvida-, duvidos-, ao contrário, segundo, de "
        "acordo com, teria, teriam, inocente-, errad-, incorret-, acus-, especul-, "
        "errôn-, errón-, "
        "absolv-, libertad-, em liberdade, desculp-, culpa-",
        "não, nunca, jamais, nenhum, nenhuma, nada, ninguém, sem, nem, salvo, exceto, "
        "provável, prováveis, provavelmente, possível, possíveis, possivelmente, talvez, "
        "pode, podem, poderia, poderiam, potencia-, parece-, aparente-, acredita-, afirm-, "
        "reivindic-, atribu-, confirm-, verific-, investig-, apenas, somente, esta, este, "
        "estes, estas, essa, esse, isso, isto, também",
        "seguinte-, a seguir, abaixo",
        "acima, anterior-, este relatório, este documento, estas informações, essas "
        "informações, toda a, todo o, todas as, todos os, nenhuma das, nenhum dos, "
        "mencionad-",
        "correção, correções, errata, retificação, retrat-, desmentido, esclarecimento, "
        "retirado, retirada",
    ),
    "id": Words(  # and Malay
        "namun, tetapi, tapi, akan tetapi, meskipun, walaupun, walau, sebaliknya, "
        "sedangkan, sementara, ini, itu, hal ini, hal itu, hal tersebut, tersebut, "
        "demikian, dia, ia, mereka, beliau, menurut, berdasarkan, jika, bila, kalau, "
        "kecuali, hanya, cuma, bukan, tidak, tak, belum, tiada, juga, selain, selain itu, "
        "di samping, oleh karena, oleh itu, karena, kerana, maka, lalu, kemudian, "
        "selanjutnya, dan, atau, beberapa, semua, kedua-, lainnya, pembaruan, kemas kini, "
        "catatan, nota, perhatian, peringatan, amaran, walau bagaimanapun, bagaimanapun, "
        "sebelumnya, setelah itu, selepas itu, padahal, justru, dengan demikian",
        "belum dikonfirmasi, belum terkonfirmasi, tidak dikonfirmasi, belum disahkan, "
        "tidak disahkan, belum diverifikasi, belum terverifikasi, tidak diverifikasi, "
        "diduga, dugaan, terduga, didakwa, dakwaan, kononnya, konon, rumor, khabar angin, "
        "desas-desus, isu, membantah, dibantah, bantahan, menyangkal, menafikan, dinafikan, "
        "menolak, palsu, bohong, hoaks, hoax, keliru, tidak benar, salah, dicurigai, "
        "curiga, disyaki, mencurigakan, tidak dapat dikesampingkan, tidak ada bukti, tiada "
        "bukti, belum ada bukti, tanpa bukti, sedang diselidiki, dalam penyelidikan, masih "
        "diselidiki, dalam siasatan, disiasat, awal, sementara, belum jelas, tidak jelas, "
        "ragu, diragukan, bertentangan, menurut, dituduh, tuduhan, spekulasi, sumber, "
        "dibebaskan, bebas, minta maaf, menyalahkan",
        "tidak, tak, bukan, belum, tanpa, tiada, jangan, mungkin, barangkali, kemungkinan, "
        "kemungkinannya, berpotensi, potensi, tampaknya, nampaknya, sepertinya, "
        "diperkirakan, dipercaya, dipercayai, diyakini, mengklaim, klaim, mendakwa, "
        "dikaitkan, dikonfirmasi, disahkan, diverifikasi, diselidiki, hanya, kecuali, juga, "
        "ini, tersebut, boleh jadi, dapat, bisa",
        "berikut, di bawah",
        "di atas, laporan ini, dokumen ini, informasi ini, maklumat ini, seluruh, semua, "
        "sebelumnya",
        "koreksi, ralat, pembetulan, klarifikasi, penjelasan, dicabut, ditarik, penafian",
    ),
    "tl": Words(
        "ngunit, subalit, pero, datapwat, gayunman, gayunpaman, bagama't, bagaman, kahit, "
        "sa kabila, samantala, sa halip, ito, iyon, iyan, ang mga ito, ang mga iyon, "
        "siya, sila, kanilang, kanyang, ayon sa, ayon kay, kung, maliban, tanging, lamang, hindi, "
        "wala, walang, din, rin, bukod, dagdag, kaya, dahil, kasi, pagkatapos, saka, o, "
        "ilan, lahat, pareho, iba, paalala, tala, babala, update, subali't, nguni't, "
        "batay sa, gayundin, sa katunayan, sa ganitong, sa ngayon, dito, doon",
        "hindi kumpirmado, hindi pa kumpirmado, hindi pa nakukumpirma, hindi nakumpirma, "
        "hindi pa beripikado, hindi beripikado, di-umano, diumano, umano, umano'y, "
        "sinasabing, sinasabi, sabi-sabi, tsismis, itinanggi, itinatanggi, tinanggihan, "
        "pinabulaanan, pinasinungalingan, mali, maling, huwad, peke, pekeng, "
        "hindi totoo, pinaghihinalaan, pinaghihinalaang, hinala, suspek, walang "
        "ebidensya, walang ebidensiya, walang patunay, iniimbestigahan, sinisiyasat, "
        "inaalam, paunang, hindi pa malinaw, hindi malinaw, pagdududa, salungat, taliwas, "
        "ayon sa, ayon kay, akusasyon, inakusahan, paratang, espekulasyon, "
        "pinalaya, pinawalang-sala, humingi ng tawad, sinisi",
        "hindi, wala, walang, huwag, di, maliban, posible, posibleng, maaari, maaaring, "
        "marahil, malamang, baka, siguro, tila, mukhang, inaakala, pinaniniwalaan, "
        "inaangkin, kinumpirma, kumpirmado, lamang, lang, ito, iyon, itong, iyong, din, rin",
        "sumusunod, sa ibaba, nasa ibaba",
        "sa itaas, nasa itaas, ulat na ito, dokumentong ito, lahat, impormasyong ito",
        "pagtutuwid, pagwawasto, binawi, paglilinaw",
    ),
    "vi": Words(
        "tuy nhiên, nhưng, mặc dù, dù, tuy, tuy vậy, song, ngược lại, trái lại, trong khi, "
        "thay vào đó, này, đây, đó, điều này, điều đó, việc này, việc đó, những, các "
        "thông tin này, nó, họ, ông, bà, anh, chị, theo, nếu, trừ, ngoại trừ, chỉ, không, "
        "chưa, chẳng, cũng, ngoài ra, hơn nữa, bên cạnh đó, đồng thời, vì, do đó, vì vậy, "
        "vì thế, sau đó, rồi, và, hoặc, hay, một số, tất cả, cả hai, cập nhật, lưu ý, ghi "
        "chú, chú ý, cảnh báo, thực tế, thực ra, tương tự, cụ thể, ví dụ, hiện",
        "chưa được xác nhận, chưa xác nhận, không được xác nhận, chưa được xác minh, chưa "
        "xác minh, chưa được kiểm chứng, chưa kiểm chứng, bị cáo buộc, cáo buộc, được cho "
        "là, bị cho là, tin đồn, phủ nhận, bác bỏ, sai sự thật, giả mạo, sai, giả, không "
        "đúng, nghi ngờ, nghi vấn, bị nghi, nghi là, không loại trừ, không thể loại trừ, "
        "không có bằng chứng, chưa có bằng chứng, không có dấu hiệu, đang điều tra, đang "
        "được điều tra, sơ bộ, tạm thời, chưa rõ, không rõ, chưa chắc, hoài nghi, trái "
        "với, theo, nhầm, suy đoán, vô tội, vu khống, tố cáo, "
        "được thả, trắng án, xin lỗi, đổ lỗi",
        "không, chưa, chẳng, đừng, trừ, ngoại trừ, có thể, có lẽ, có khả năng, khả năng, "
        "dường như, hình như, tiềm ẩn, ước tính, tuyên bố, nhận trách nhiệm, quy cho, xác "
        "nhận, xác minh, điều tra, chỉ, này, đó, nói trên, cũng",
        "sau đây, dưới đây, tiếp theo, như sau",
        "trên đây, ở trên, nói trên, báo cáo này, tài liệu này, thông tin này, toàn bộ, "
        "tất cả, trước đó",
        "đính chính, cải chính, rút lại, thu hồi",
    ),
    "it": Words(
        "tuttavia, ma, però, sebbene, benché, nonostante, malgrado, invece, mentre, "
        "questo, questa, questi, queste, quello, quella, quelli, quelle, ciò, esso, essa, "
        "essi, egli, lui, lei, loro, il loro, suo, sua, suoi, sue, tale, tali, secondo, se, "
        "salvo, eccetto, solo, soltanto, non, nessun-, nemmeno, neppure, anche, inoltre, "
        "quindi, pertanto, così, poi, dopo, infine, e, o, altri, altre, alcuni, alcune, "
        "tutti, tutte, entrambi, perché, poiché, aggiornamento, nota, attenzione, di "
        "conseguenza, infatti, ad esempio, tra questi",
        "non confermat-, non è stato confermat-, non è stata confermat-, non verificat-, "
        "presunt-, suppost-, asserit-, voci, smenti-, nega, negano, negato, contest-, "
        "confuta-, respin-, fals-, infondat-, sospett-, escluso, esclude-, nessuna prova, "
        "non ci sono prove, senza prove, indagine in corso, indagini in corso, sotto "
        "indagine, preliminar-, provvisori-, incert-, non è chiaro, dubbi-, contrariamente, "
        "secondo, sarebbe, sarebbero, avrebbe, avrebbero, innocent-, errat-, accus-, bufal-, "
        "rilasciat-, assolt-, scagionat-, scus-, accusa-",
        "non, mai, nessun-, nulla, niente, senza, né, salvo, eccetto, tranne, probabil-, "
        "possibil-, forse, può, possono, potrebbe, potrebbero, potenzial-, sembra-, "
        "apparente-, ritien-, ritenut-, afferma-, rivendic-, attribui-, conferm-, verific-, "
        "indag-, solo, soltanto, questo, questa, questi, queste, anche",
        "seguent-, di seguito, sotto",
        "sopra, precedent-, questo rapporto, questo documento, queste informazioni, tutte "
        "le, tutti i, nessuna delle, nessuno dei, suddett-",
        "correzione, rettifica, errata, ritratta-, smentita, ritirat-, chiarimento",
    ),
    "nl": Words(
        "maar, echter, toch, hoewel, ondanks, desondanks, daarentegen, terwijl, dit, dat, "
        "deze, zij, ze, hij, hun, zijn, haar, volgens, als, indien, tenzij, "
        "behalve, alleen, slechts, niet, geen, niemand, ook, bovendien, daarnaast, "
        "daarom, dus, daarna, daardoor, daarbij, vervolgens, toen, of, andere, sommige, "
        "alle, beide, omdat, want, update, opmerking, let op, inmiddels, dergelijke, zulke, "
        "zo, bijvoorbeeld, er, hierdoor, hierbij, hiervan, daarvan, deels",
        "onbevestigd-, niet bevestigd, niet geverifieerd, ongeverifieerd-, vermeend-, "
        "vermeende, zogenaamd-, beweerd-, geruchten, gerucht, ontken-, betwist-, weerleg-, "
        "weersproken, tegengesproken, onjuist-, vals, valse, verdacht-, verdenking-, "
        "uitgesloten, geen bewijs, geen aanwijzing-, zonder bewijs, in onderzoek, wordt "
        "onderzocht, worden onderzocht, voorlopig-, onduidelijk, onzeker-, twijfel-, "
        "in tegenstelling, volgens, zou, zouden, onschuldig, ten onrechte, beschuldig-, "
        "specula-, nepnieuws, "
        "vrijgelaten, vrijgesproken, vrijspraak, excus-",
        "niet, geen, nooit, niets, niemand, zonder, noch, behalve, tenzij, mogelijk-, "
        "waarschijnlijk-, misschien, wellicht, kan, kunnen, kon, potentieel, lijkt, lijken, "
        "blijkbaar, schijnbaar, vermoed-, toegeschreven, bevestigd, bewering-, onderzo-, "
        "alleen, slechts, dit, deze, ook",
        "volgende, hieronder, onderstaand-",
        "bovenstaand-, hierboven, dit rapport, dit document, deze informatie, alle, eerder "
        "gemeld-, voorgaand-",
        "correctie, rectificatie, erratum, ingetrokken, herroep-",
    ),
    "ru": Words(
        "однако, но, хотя, несмотря, тем не менее, впрочем, зато, а, напротив, вместо, это, "
        "этот, эта, эти, этого, этим, об этом, при этом, такой, такая, такие, он, она, оно, "
        "они, его, её, ее, их, по данным, по словам, согласно, если, кроме, только, лишь, "
        "не, нет, ни, никто, никак-, также, тоже, кроме того, более того, поэтому, таким "
        "образом, затем, потом, позже, и, или, да, другие, другой, некоторые, все, оба, обе, "
        "потому, так как, поскольку, обновление, обновлено, примечание, внимание, "
        "предупреждение, между тем, тогда, там, тот, та, то, те, того, ранее, сейчас, пока, "
        "например, который, которая, которые, якобы, возможно",
        "неподтвержд-, не подтвержд-, не подтверд-, непровер-, не провер-, якобы, "
        "предполага-, предположит-, слух-, отрица-, отверг-, опроверг-, опроверж-, "
        "оспарива-, оспор-, ложн-, лож-, фейк-, поддельн-, недостоверн-, подозрева-, "
        "подозрен-, исключ-, нет доказательств, доказательств нет, без доказательств, нет "
        "признаков, расследу-, проверяется, проверяются, предварительн-, неясн-, "
        "неизвестн-, сомн-, вопреки, по данным, по словам, согласно, по сообщениям, "
        "сообщается, невинов-, невиновн-, ошибочн-, обвин-, домысл-, утвержда-, "
        "оправда-, освобо-, отпущ-, отпусти-, извин-",
        "не, нет, ни, никогда, никто, ничего, нельзя, без, кроме, может, могут, мог, могла, "
        "могли, возможн-, вероятн-, видимо, кажется, похоже, считается, приписыва-, "
        "подтвержд-, подтверд-, взял- на себя, только, лишь, этот, эта, эти, это, этого, "
        "этой, этих, этом, также, тоже",
        "следующ-, ниже, нижеследующ-",
        "выше, вышеуказанн-, вышеизложенн-, настоящий отчёт, настоящий отчет, данный отчёт, "
        "данный отчет, эта информация, вся информация, все сведения, весь, ранее сообщал-",
        "исправлен-, поправка, отозван-, отзыв, уточнение, опровержение",
    ),
    "uk": Words(
        "однак, проте, але, хоча, хоч, попри, незважаючи, тим не менш, втім, натомість, а, "
        "це, цей, ця, ці, цього, цим, про це, при цьому, такий, така, такі, він, вона, воно, "
        "вони, його, її, їх, їхній, за даними, за словами, згідно, відповідно, якщо, якби, "
        "крім, окрім, тільки, лише, не, ні, немає, ніхто, жоден, жодн-, також, теж, крім "
        "того, більше того, тому, отже, таким чином, потім, згодом, пізніше, і, й, та, або, "
        "чи, інші, інший, деякі, усі, всі, обидва, бо, оскільки, оновлення, оновлено, "
        "примітка, увага, попередження, водночас, тоді, там, той, раніше, зараз, поки, "
        "наприклад, який, яка, які, нібито, можливо",
        "непідтвердж-, не підтвердж-, не підтверд-, неперевір-, не перевір-, нібито, "
        "ймовірн-, припуска-, припущен-, чутк-, запереч-, спросту-, відкид-, відкин-, "
        "оскарж-, неправд-, хибн-, фейк-, фальшив-, недостовірн-, підозрю-, підозр-, "
        "виключ-, немає доказів, доказів немає, без доказів, немає ознак, розсліду-, "
        "перевіряється, перевіряються, попередн-, незрозуміл-, невідом-, сумн-, всупереч, "
        "за даними, за словами, згідно, повідомляється, невинн-, невинуват-, помилков-, "
        "звинувач-, тверд-, стверджу-, "
        "виправда-, звільн-, відпусти-, вибач-",
        "не, ні, немає, нема, ніколи, ніхто, нічого, без, крім, окрім, може, можуть, міг, "
        "могла, могли, можлив-, вочевидь, здається, схоже, вважається, припису-, "
        "підтвердж-, підтверд-, лише, тільки, цей, ця, ці, це, цього, цієї, цих, цьому, "
        "також, теж",
        "наступн-, нижче",
        "вище, вищезазначен-, цей звіт, цей документ, ця інформація, уся інформація, вся "
        "інформація, увесь, весь, раніше повідомлял-",
        "виправлен-, відкликан-, уточнення, спростування",
    ),
}

UNSPACED: Final[dict[str, Words]] = {
    "zh": Words(
        "但, 然而, 不过, 不過, 可是, 虽然, 雖然, 尽管, 儘管, 却, 卻, 相反, 而, 这, 這, 那, "
        "此, 该, 該, 其, 它, 他, 她, 据, 據, 根据, 根據, 按照, 如果, 若, 除非, 除了, 除, 只, "
        "仅, 僅, 不, 没, 沒, 无, 無, 未, 并, 並, 也, 还, 還, 另, 此外, 而且, 同时, 同時, "
        "因此, 所以, 因为, 因為, 由于, 由於, 随后, 隨後, 之后, 之後, 然后, 然後, 以及, 或, "
        "有关, 有關, 相关, 相關, 上述, 以上, 更新, 注, 备注, 備註, 请注意, 請注意, 警告, "
        "目前, 事实上, 事實上, 其中, 例如, 同样, 同樣, 双方, 雙方, 两者, 兩者, 所有, 一些, "
        "部分, 否认, 否認, 当时, 當時",
        "未经证实, 未經證實, 尚未证实, 尚未證實, 未获证实, 未獲證實, 未证实, 未證實, 未确认, "
        "未確認, 尚未确认, 尚未確認, 未核实, 未核實, 未经核实, 未經核實, 无法核实, 無法核實, "
        "无法证实, 無法證實, 据称, 據稱, 据报, 據報, 据悉, 據悉, 据传, 據傳, 据说, 據說, 所谓, "
        "所謂, 涉嫌, 疑似, 嫌疑, 怀疑, 懷疑, 传闻, 傳聞, 谣言, 謠言, 谣传, 謠傳, 否认, 否認, "
        "反驳, 反駁, 驳斥, 駁斥, 虚假, 虛假, 不实, 不實, 不属实, 不屬實, 假消息, 伪造, 偽造, "
        "不排除, 排除, 没有证据, 沒有證據, 无证据, 無證據, 并无证据, 並無證據, 调查, 調查, 初步, "
        "暂时, 暫時, 尚不清楚, 不清楚, 不明, 存疑, 质疑, 質疑, 推测, 推測, 猜测, 猜測, 与此相反, "
        "與此相反, 声称, 聲稱, 宣称, 宣稱, 指控, 指称, 指稱, 无辜, 無辜, 错误, 錯誤, 误报, 誤報, "
        "并非, 並非, 根据, 根據, "
        "释放, 釋放, 无罪, 無罪, 道歉, 归咎, 歸咎",
        "未, 尚未, 没有, 沒有, 不是, 不能, 不会, 不會, 无法, 無法, 不得, 从未, 從未, 可能, 或许, "
        "或許, 也许, 也許, 大概, 似乎, 看来, 看來, 潜在, 潛在, 估计, 估計, 认为, 認為, 归因, "
        "歸因, 证实, 證實, 确认, 確認, 核实, 核實, 只有, 仅, 僅, 除外, 这, 這, 该, 該, 上述, "
        "相关, 有关, 相關, 有關",
        "以下, 下列, 如下, 下述",
        "以上, 上述, 本报告, 本報告, 本文, 全部, 所有, 此前, 先前",
        "更正, 勘误, 勘誤, 撤回, 免责声明, 免責聲明, 澄清",
    ),
    "ja": Words(
        "しかし, ただし, だが, が、, ところが, もっとも, なお, けれども, それでも, 一方, 逆に, "
        "これ, この, それ, その, そう, こう, そのため, そこで, ここ, あの, 同, 当該, 彼, "
        "よると, もし, 場合, ただ, のみ, いいえ, いや, また, さらに, 加えて, 同時に, したがって, "
        "従って, つまり, すなわち, なぜなら, 例えば, たとえば, その後, 次に, 続いて, 及び, または, "
        "あるいは, 更新, 追記, 注, 注意, 備考, 警告, 現時点, 現在, 実際, 同様, 両者, いずれ, "
        "すべて, 他の, 一部, ほか, 上記, 以上, だから, よって",
        "未確認, 確認されていない, 確認されておらず, 確認できていない, 確認できない, 確認できず, "
        "確認が取れて, 検証されていない, 裏付け, 疑い, 疑惑, 疑わ, 容疑, とされる, とされて, "
        "とみられ, と見られ, とみて, といわれ, と言われ, 主張, 噂, うわさ, 否定, 否認, 反論, 虚偽, "
        "偽, デマ, 誤り, 誤報, 事実では, 事実無根, 除外, 排除でき, 証拠はない, 証拠は見つか, "
        "証拠がない, 証拠なし, 調査中, 捜査中, 確認中, 検証中, 調べて, 暫定, 予備的, 速報, 不明, 明らかになって, "
        "はっきりし, 推測, 推定, 憶測, 可能性, 反して, によると, によれば, という, 無実, 無関係, "
        "そうだ。, 模様, 恐れ, おそれ, "
        "釈放, 無罪, 謝罪, 不起訴",
        "ない, なかっ, ません, ず、, ずに, まだ, かもしれ, だろう, でしょう, らしい, ようだ, "
        "ようです, 思われ, 考えられ, 見込み, 限り, 限定, 除き, 除く, 以外, のみ, だけ, 確認, この, "
        "これら, その, 同様, 帰属, 未",
        "以下, 次の, 下記",
        "以上, 上記, 本報告, 本書, 本文書, 全て, すべて, 前述, これら, 先に",
        "訂正, 撤回, 取り消, 免責",
    ),
    "ko": Words(
        "그러나, 하지만, 다만, 그런데, 그렇지만, 비록, 반면, 오히려, 대신, 이는, 이것, 이러한, "
        "이런, 이 , 이를, 이에, 이로, 이와, 이후, 그것, 그는, 그녀, 그들, 그 , 이들, 해당, "
        "따르면, 만약, 만일, 제외, 단, 오직, 아니, 또한, 또, 게다가, 더불어, 아울러, 한편, "
        "따라서, 그래서, 그러므로, 때문, 왜냐하면, 이어, 그리고, 혹은, 또는, 일부, 모든, 모두, "
        "양측, 다른, 업데이트, 갱신, 참고, 주의, 비고, 경고, 현재, 실제로, 사실, 예를, 즉, 같은, "
        "앞서, 위의, 없",
        "미확인, 확인되지, 확인하지, 확인된 바 없, 검증되지, 검증하지, 입증되지, 혐의, 의혹, "
        "소문, 루머, 주장, 부인, 반박, 거짓, 허위, 가짜, 사실이 아니, 사실무근, 의심, 용의, "
        "배제, 증거는 없, 증거가 없, 증거 없, 정황은 없, 조사 중, 조사중, 수사 중, 수사중, 확인 중, "
        "조사하고, 수사하고, 잠정, 예비, 불분명, 불확실, 불명, 추정, 추측, 알려졌, 알려진, "
        "전해졌, 것으로 보, 반대, 달리, 따르면, 무죄, 무고, 오류, 잘못, 오보, 분명하지, 밝혀지지, "
        "석방, 무죄, 사과, 불기소",
        "않, 없, 아니, 못, 가능성, 수 있, 수도 있, 아마, 듯, 잠재, 예상, 확인, 검증, 제외, 외에, "
        "만이, 이번, 이러한, 해당, 이 같은, 같은, 또한, 역시, 미정, 아직",
        "다음, 아래, 하기",
        "위의, 위 내용, 상기, 이 보고서, 본 보고서, 본 문서, 전체, 모든, 모두, 앞서",
        "정정, 철회, 취소, 면책, 해명",
    ),
    "ar": Words(
        "لكن, ولكن, غير أن, إلا أن, ومع ذلك, مع ذلك, رغم, على الرغم, وعلى الرغم, بالرغم, بينما, "
        "في المقابل, بل, بدلا, هذا, هذه, ذلك, تلك, هؤلاء, أولئك, وهذا, وهذه, وذلك, هو, هي, هم, "
        "وهو, وهي, وهم, وفقا, ووفقا, وبحسب, بحسب, حسب, إذا, وإذا, ما لم, إلا, باستثناء, فقط, لا , ولا "
        ", لم , ولم, ليس, وليس, لن, ولن, ما , وما , كما, أيضا, كذلك, وكذلك, بالإضافة, إضافة, فضلا, "
        "لذلك, ولذلك, لهذا, وبالتالي, ثم, وبعد ذلك, بعد ذلك, لأن, أو, وأضاف, وقد, وقال, وكان, "
        "كلا, جميع, بعض, وبعض, تحديث, ملاحظة, تنبيه, تحذير, حاليا, في الواقع, مثلا, كان, إن, إنه, إنها, "
        "نفى, ونفى, نفت, ونفت",
        "غير مؤكد, لم يتأكد, لم تتأكد, لم يؤكد, لم تؤكد, لم يتم التأكد, لم يتم تأكيد, لم يتم التحقق, غير متحقق, دون "
        "تأكيد, بدون تأكيد, لم يثبت, لم تثبت, مزعوم, المزعوم, زعم, يزعم, مزاعم, ادعاء, ادعى, ادعت, "
        "يدعي, شائعة, شائعات, إشاع, نفى, نفت, ينفي, تنفي, نفي, فند, دحض, كاذب, زائف, مزيف, ملفق, "
        "غير صحيح, خاطئ, خطأ, مشتبه, يشتبه, اشتباه, شبهة, استبعاد, يستبعد, لا دليل, لا يوجد دليل, "
        "لا توجد أدلة, دون دليل, قيد التحقيق, تحت التحقيق, التحقيق جار, التحقيقات, قيد التحقق, "
        "أولي, مبدئي, غير واضح, غير معروف, مجهول, شكوك, مشكوك, خلافا, على عكس, وفقا, بحسب, حسب, "
        "تكهن, بريء, أبرياء, اتهم, اتهام, "
        "أفرج, إفراج, براءة, تبرئة, اعتذ",
        "لا , لم , لن, ليس, ليست, غير, بدون, دون, قد , ربما, يحتمل, محتمل, يمكن, يبدو, من المرجح, "
        "يرجح, يعتقد, تبنى, نسب, أكد, تأكيد, تحقق, إلا, فقط, سوى, باستثناء, هذا, هذه, ذلك, تلك, "
        "أيضا, كذلك",
        "التالي, الآتي, أدناه, فيما يلي",
        "أعلاه, هذا التقرير, هذه الوثيقة, هذه المعلومات, جميع, كل ما, المذكور, السابق",
        "تصحيح, تصويب, سحب, تراجع, توضيح, إخلاء مسؤولية",
    ),
    "fa": Words(
        "اما, ولی, با این حال, هرچند, اگرچه, گرچه, با وجود, در مقابل, بلکه, این, آن, او, وی, "
        "آنها, ایشان, به گفته, طبق, بر اساس, بنا بر, اگر, مگر, به جز, فقط, تنها, نه, هیچ, همچنین, "
        "نیز, علاوه, بنابراین, سپس, پس, زیرا, چون, و , یا, برخی, همه, به‌روزرسانی, توجه, یادداشت, هشدار",
        "تایید نشده, تأیید نشده, تایید نکرده, تأیید نکرده, ادعا, مدعی, شایعه, تکذیب, رد کرد, انکار, دروغ, "
        "نادرست, جعلی, کذب, مظنون, مشکوک, گمان, منتفی, مدرکی, شواهدی, در دست بررسی, در حال بررسی, "
        "تحقیق, مقدماتی, اولیه, نامشخص, روشن نیست, تردید, برخلاف, به گفته, طبق, بنا بر, اتهام, "
        "متهم, بی‌گناه, اشتباه, "
        "آزاد شد, آزاد کرد, تبرئه, عذرخواهی",
        "نیست, نشد, نکرد, نبود, ندار, نمی, نه, بدون, شاید, ممکن, احتمال, به نظر, تایید, تأیید, فقط, تنها, "
        "این, همچنین, نیز",
        "زیر, ذیل, پیش رو",
        "بالا, فوق, این گزارش, این سند, این اطلاعات, تمام, همه",
        "اصلاح, تصحیح, پس گرفت, توضیح",
    ),
    "ur": Words(
        "لیکن, مگر, تاہم, البتہ, اگرچہ, حالانکہ, باوجود, جبکہ, بلکہ, یہ, وہ, اس, ان, انہوں, مطابق, "
        "کے مطابق, اگر, سوائے, صرف, نہیں, نہ, کوئی, بھی, مزید, علاوہ, لہذا, اس لیے, پھر, بعد, کیونکہ, "
        "اور, یا, بعض, تمام, کچھ, اپ ڈیٹ, نوٹ, انتباہ",
        "غیر مصدقہ, تصدیق, مبینہ, الزام, دعوی, دعویٰ, افواہ, تردید, انکار, مسترد, جھوٹ, غلط, جعلی, من گھڑت, مشتبہ, "
        "شبہ, خارج از امکان, ثبوت, شواہد, زیر تفتیش, تحقیقات, تفتیش, ابتدائی, غیر واضح, واضح نہیں, معلوم نہیں, "
        "شک, برعکس, مطابق, بے گناہ, "
        "رہا, بری , معافی",
        "نہیں, نہ , بغیر, شاید, ممکن, امکان, سکتا, سکتی, سکتے, لگتا, صرف, سوائے, یہ, اس, بھی",
        "درج ذیل, مندرجہ ذیل, نیچے",
        "مندرجہ بالا, اوپر, یہ رپورٹ, اس رپورٹ, تمام, مذکورہ",
        "تصحیح, واپس لے, وضاحت",
    ),
    "hi": Words(
        "लेकिन, परंतु, परन्तु, किंतु, किन्तु, मगर, हालांकि, हालाँकि, यद्यपि, फिर भी, तथापि, बावजूद, जबकि, इसके "
        "विपरीत, बल्कि, यह, ये, वह, वे, इस, इन, इसके, इसका, इसकी, इसे, इससे, उस, उन, उसके, उनके, "
        "ऐसा, ऐसे, ऐसी, के अनुसार, अगर, यदि, सिवाय, केवल, सिर्फ, नहीं, न , ना , कोई, किसी, भी, "
        "साथ ही, अलावा, अतः, इसलिए, क्योंकि, फिर, बाद में, तब, और, या, अथवा, कुछ, सभी, दोनों, "
        "अन्य, अपडेट, अद्यतन, नोट, टिप्पणी, ध्यान, चेतावनी, वास्तव, उदाहरण, फिलहाल, अभी",
        "पुष्टि नहीं, अपुष्ट, असत्यापित, सत्यापित नहीं, पुष्टि, कथित, आरोप, दावा, दावे, अफवाह, अफ़वाह, खंडन, इनकार, "
        "इन्कार, खारिज, ख़ारिज, झूठ, फर्जी, फ़र्ज़ी, गलत, ग़लत, असत्य, नकली, संदिग्ध, संदेह, शक, "
        "इनकार नहीं किया जा सकता, सबूत नहीं, प्रमाण नहीं, कोई सबूत, कोई प्रमाण, जांच, जाँच, प्रारंभिक, "
        "प्रारम्भिक, शुरुआती, अस्पष्ट, स्पष्ट नहीं, अज्ञात, विपरीत, अनुसार, मुताबिक, निर्दोष, बेगुनाह, अटकल, "
        "अनुमान, आशंका, "
        "रिहा, बरी , माफी, माफ़ी",
        "नहीं, न , बिना, शायद, संभव, संभाव, सकता, सकती, सकते, लगता, प्रतीत, माना, सत्यापित, केवल, "
        "सिर्फ, छोड़कर, सिवाय, यह, इस, इन, भी",
        "निम्नलिखित, नीचे, निम्न, अगल",
        "उपरोक्त, उपर्युक्त, ऊपर, यह रिपोर्ट, इस रिपोर्ट, यह दस्तावेज, इस दस्तावेज, सभी, समस्त, पूर्व में",
        "सुधार, संशोधन, शुद्धि, वापस ले, स्पष्टीकरण, अस्वीकरण",
    ),
    "th": Words(
        "แต่, อย่างไรก็, แม้, ถึงแม้, ทว่า, ในทางกลับกัน, ขณะที่, ในขณะที่, แทนที่, นี่, นี้, นั้น, สิ่งนี้, เรื่องนี้, "
        "ข้อมูลนี้, ดังกล่าว, มัน, เขา, เธอ, พวกเขา, ตาม, จากรายงาน, หาก, ถ้า, เว้นแต่, ยกเว้น, เพียง, "
        "เฉพาะ, ไม่, มิ, ยัง, ไม่มี, และ, หรือ, ทั้งนี้, นอกจากนี้, อีกทั้ง, รวมถึง, ดังนั้น, จึง, เพราะ, เนื่องจาก, "
        "จากนั้น, ต่อมา, หลังจากนั้น, ทั้งสอง, บาง, ทั้งหมด, อื่น, อัปเดต, หมายเหตุ, โปรดทราบ, คำเตือน, "
        "ซึ่ง, โดย, ที่, เพื่อ, ความจริง, เช่น, ได้แก่, ก็",
        "ยังไม่ได้รับการยืนยัน, ไม่ได้รับการยืนยัน, ยังไม่ยืนยัน, ยังไม่มีการยืนยัน, ยังไม่ได้ยืนยัน, ยังไม่ผ่านการตรวจสอบ, "
        "ไม่สามารถยืนยัน, กล่าวหา, ถูกกล่าวหา, อ้าง, ข่าวลือ, ลือ, ปฏิเสธ, โต้แย้ง, เท็จ, ปลอม, ไม่จริง, "
        "ไม่เป็นความจริง, ไม่ถูกต้อง, สงสัย, ต้องสงสัย, คาดว่า, เชื่อว่า, ไม่ตัดความเป็นไปได้, ไม่มีหลักฐาน, "
        "ไม่พบหลักฐาน, สอบสวน, สืบสวน, ตรวจสอบ, เบื้องต้น, ชั่วคราว, ไม่ชัดเจน, ไม่แน่ชัด, ไม่ทราบ, ข้อสงสัย, "
        "ตรงกันข้าม, ขัดแย้ง, ตามรายงาน, ตามที่, ตามข้อมูล, รายงานว่า, บริสุทธิ์, ผิดพลาด, คาดเดา, "
        "ปล่อยตัว, ยกฟ้อง, ขอโทษ",
        "ไม่, มิได้, ยัง, อาจ, น่าจะ, เป็นไปได้, ดูเหมือน, คงจะ, ประมาณการ, ยืนยัน, เพียง, เฉพาะ, เว้น, นี้, "
        "ดังกล่าว, นั้น, เช่นกัน, ด้วย",
        "ต่อไปนี้, ด้านล่าง, ดังนี้",
        "ข้างต้น, รายงานนี้, รายงานฉบับนี้, เอกสารนี้, ข้อมูลนี้, ทั้งหมด, ก่อนหน้า",
        "แก้ไข, ถอน, เพิกถอน, ชี้แจง",
    ),
    "lo": Words(
        "ແຕ່, ຢ່າງໃດກໍ, ເຖິງແມ່ນ, ເຖິງວ່າ, ໃນຂະນະທີ່, ນີ້, ນັ້ນ, ດັ່ງກ່າວ, ມັນ, ລາວ, ພວກເຂົາ, ເຂົາ, ອີງຕາມ, "
        "ຕາມ, ຖ້າ, ຫາກ, ຍົກເວັ້ນ, ພຽງ, ສະເພາະ, ບໍ່, ຍັງ, ແລະ, ຫຼື, ນອກຈາກ, ລວມທັງ, ດັ່ງນັ້ນ, ຈຶ່ງ, ເພາະ, "
        "ເນື່ອງຈາກ, ຈາກນັ້ນ, ຕໍ່ມາ, ຫຼັງຈາກນັ້ນ, ທັງສອງ, ບາງ, ທັງໝົດ, ອື່ນ, ອັບເດດ, ໝາຍເຫດ, ຄຳເຕືອນ, ເຊິ່ງ, "
        "ໂດຍ, ທີ່, ເພື່ອ",
        "ຍັງບໍ່ໄດ້ຮັບການຢືນຢັນ, ບໍ່ໄດ້ຮັບການຢືນຢັນ, ຍັງບໍ່ທັນຢືນຢັນ, ບໍ່ສາມາດຢືນຢັນ, ກ່າວຫາ, ອ້າງ, ຂ່າວລື, ປະຕິເສດ, "
        "ໂຕ້ແຍ້ງ, ປອມ, ບໍ່ຈິງ, ບໍ່ຖືກຕ້ອງ, ສົງໄສ, ຄາດວ່າ, ເຊື່ອວ່າ, ບໍ່ມີຫຼັກຖານ, ສືບສວນ, ສອບສວນ, ກວດສອບ, "
        "ເບື້ອງຕົ້ນ, ຊົ່ວຄາວ, ບໍ່ຊັດເຈນ, ກົງກັນຂ້າມ, ຕາມລາຍງານ, ຕາມຂໍ້ມູນ, ຜິດພາດ, "
        "ປ່ອຍຕົວ, ຂໍໂທດ",
        "ບໍ່, ຍັງ, ອາດ, ເປັນໄປໄດ້, ຄົງ, ເບິ່ງຄື, ຢືນຢັນ, ພຽງ, ສະເພາະ, ນີ້, ດັ່ງກ່າວ, ນັ້ນ, ເຊັ່ນກັນ",
        "ຕໍ່ໄປນີ້, ດັ່ງລຸ່ມນີ້, ຂ້າງລຸ່ມ, ດັ່ງນີ້",
        "ຂ້າງເທິງ, ລາຍງານນີ້, ເອກະສານນີ້, ຂໍ້ມູນນີ້, ທັງໝົດ, ກ່ອນໜ້າ",
        "ແກ້ໄຂ, ຖອນ, ຊີ້ແຈງ",
    ),
    "km": Words(
        "ប៉ុន្តែ, ក៏ប៉ុន្តែ, តែ, ទោះ, ទោះបី, ទោះជា, យ៉ាងណា, ផ្ទុយទៅវិញ, ខណៈ, ជំនួស, នេះ, នោះ, ការនេះ, "
        "រឿងនេះ, វា, គាត់, នាង, ពួកគេ, យោង, តាម, ប្រសិន, បើ, លុះត្រាតែ, លើកលែង, គ្រាន់តែ, មិន, គ្មាន, ពុំ, "
        "ក៏, បន្ថែម, លើសពីនេះ, ក្រៅពី, ដូច្នេះ, ដោយសារ, ព្រោះ, បន្ទាប់, ក្រោយមក, បន្ទាប់មក, ហើយ, និង, ឬ, "
        "ខ្លះ, ទាំងអស់, ទាំងពីរ, ផ្សេង, បច្ចុប្បន្នភាព, ចំណាំ, សម្គាល់, ព្រមាន, ដែល, តាមពិត",
        "មិនទាន់បញ្ជាក់, មិនទាន់មានការបញ្ជាក់, មិនត្រូវបានបញ្ជាក់, មិនទាន់ត្រូវបានបញ្ជាក់, មិនទាន់ផ្ទៀងផ្ទាត់, មិនទាន់ត្រូវបានផ្ទៀងផ្ទាត់, "
        "ចោទ, អះអាង, ពាក្យចចាមអារ៉ាម, បដិសេធ, ច្រានចោល, មិនពិត, ក្លែងក្លាយ, មិនត្រឹមត្រូវ, សង្ស័យ, គ្មានភស្តុតាង, "
        "មិនមានភស្តុតាង, ស៊ើបអង្កេត, ស្រាវជ្រាវ, បឋម, បណ្តោះអាសន្ន, មិនច្បាស់, ផ្ទុយពី, យោងតាម, តាមរបាយការណ៍, "
        "តាមប្រភព, មិនអាចបដិសេធ, ច្រឡំ, ខុស, "
        "ដោះលែង, សុំទោស",
        "មិន, គ្មាន, ពុំ, អាច, ប្រហែល, ទំនង, ហាក់, ជឿថា, បញ្ជាក់, ផ្ទៀងផ្ទាត់, តែប៉ុណ្ណោះ, នេះ, នោះ, ផងដែរ",
        "ខាងក្រោម, ដូចតទៅ, ដូចខាងក្រោម",
        "ខាងលើ, របាយការណ៍នេះ, ឯកសារនេះ, ព័ត៌មាននេះ, ទាំងអស់, មុននេះ",
        "កែតម្រូវ, ដកវិញ, បំភ្លឺ",
    ),
    "my": Words(
        "သို့သော်, သို့ရာတွင်, သို့ပေမဲ့, ဒါပေမဲ့, ဒါပေမယ့်, သော်လည်း, ပေမယ့်, ဆန့်ကျင်, ထိုအစား, ဤ, ယင်း, ထို, ဒီ, "
        "ဒါ, အဆိုပါ, ၎င်း, သူ, သူမ, သူတို့, အရ, အကယ်၍, အကယ်, မှလွဲ, သာ, မ, မဟုတ်, လည်း, ထို့အပြင်, ထို့ပြင်, ဒါ့အပြင်, "
        "ထို့ကြောင့်, ဒါကြောင့်, ထို့နောက်, နောက်ပိုင်း, နှင့်, သို့မဟုတ်, အချို့, အားလုံး, နှစ်ဖက်, အခြား, မွမ်းမံ, မှတ်ချက်, သတိပေး, "
        "လက်ရှိ, အမှန်တကယ်",
        "အတည်မပြု, အတည်ပြုနိုင်ခြင်းမရှိ, အတည်ပြုချက်မရ, အတည်ပြုထားခြင်းမရှိ, စိစစ်ခြင်းမပြု, စွပ်စွဲ, ကောလာဟလ, ဆိုသည်, ဟုဆို, ငြင်းဆို, ငြင်းပယ်, "
        "ပယ်ချ, မမှန်, မှားယွင်း, လုပ်ကြံ, အတု, သတင်းတု, သံသယ, မသင်္ကာ, ငြင်းမရ, အထောက်အထားမရှိ, သက်သေမရှိ, "
        "အထောက်အထား မရှိ, စုံစမ်း, စစ်ဆေး, ပဏာမ, ကနဦး, ယာယီ, မရှင်းလင်း, မသေချာ, ဆန့်ကျင်, အရ, ခန့်မှန်း, သိရသည်, "
        "လွှတ်, တောင်းပန်",
        "မရှိ, မဟုတ်, မရ, မသိ, မပြု, မတွေ့, မထုတ်, သေး, နိုင်ခြေ, ဖြစ်နိုင်, ရှိနိုင်, ပုံရ, ယူဆ, အတည်ပြု, သာလျှင်, မှလွဲ, "
        "ဤ, ယင်း, အဆိုပါ, ထို, လည်း",
        "အောက်ပါ, အောက်ဖော်ပြပါ",
        "အထက်ပါ, အထက်ဖော်ပြပါ, ဤအစီရင်ခံစာ, ဤစာတမ်း, အားလုံး, ယခင်",
        "ပြင်ဆင်ချက်, ပြန်လည်ရုပ်သိမ်း, ရုပ်သိမ်း, ရှင်းလင်းချက်",
    ),
}

COVERED: Final = frozenset({*SPACED, *UNSPACED, "ms", "fil", "in", "tgl", "yue"})
"""Languages (ISO 639) whose sentences may be parted."""

# Common words and letters that show the language to be one of those above. Words that
# languages missing here share ("in", "de", "la", "les", "der", "by") are no sign; of near
# relatives of a language here (Afrikaans, Galician) some sentences still pass.
SIGNS: Final = (
    "the, of, and, was, were, has, have, been, with, from, which, this, that, these, "
    "their, into, through, using, used, uses, can, may, will, "
    "des, du, une, dans, sont, par, pour, avec, aux, été, cette, ont, pas, "
    "die, das, sind, nicht, und, dem, ein, eine, ist, wurde, wurden, mit, für, auf, "
    "el, los, las, por, con, sus, fue, fueron, "
    "os, uma, em, foi, foram, pelo, pela, ao, dos, "
    "yang, dengan, untuk, oleh, telah, dari, ng, "
    "và, của, các, là, được, trong, cho, với, đã, bị, một, "
    "della, delle, sono, stato, stata, che, gli, nel, "
    "een, zijn, werd, werden, wordt, voor, naar, door, niet"
)
SIGN_LETTERS: Final = (
    "ыэёіїєґ"  # Russian, Ukrainian
    "\u3041-\u30ff\u3400-\u9fff\uac00-\ud7a3"  # Japanese, Chinese, Korean
    "\u0e01-\u0e5b\u0e81-\u0edf\u1780-\u17f9\u1000-\u109f"  # Thai, Lao, Khmer, Burmese
)
SIGNS_UNSPACED: Final = (
    " في , من , على, إلى, التي, الذي, ال, است, را , که, ہے, کے, میں, کی , نے , "
    "है, हैं, के , में, था, थे, थी"
)
