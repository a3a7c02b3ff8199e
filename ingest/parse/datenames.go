package parse

import "strings"

// zones are names of time zones, in hours east of UTC. Of names with several
// meanings it is the one that feeds use (RFC 822, 5.1, before others).
var zones = map[string]float64{
	"z": 0, "ut": 0, "utc": 0, "gmt": 0, "wet": 0, "uct": 0, "zulu": 0, "g": 0,
	"west": 1, "bst": 1, "ist": 5.5, "cet": 1, "met": 1, "mez": 1, "cest": 2, "mest": 2, "mesz": 2,
	"eet": 2, "eest": 3, "msk": 3, "msd": 4, "trt": 3, "sast": 2, "wat": 1, "cat": 2, "eat": 3,
	"pkt": 5, "sgt": 8, "hkt": 8, "wib": 7, "ict": 7, "jst": 9, "kst": 9,
	"aest": 10, "aedt": 11, "acst": 9.5, "acdt": 10.5, "awst": 8, "nzst": 12, "nzdt": 13,
	"at": -4, "ast": -4, "adt": -3, "et": -5, "est": -5, "edt": -4, "ct": -6, "cst": -6, "cdt": -5,
	"mt": -7, "mst": -7, "mdt": -6, "pt": -8, "pst": -8, "pdt": -7, "akst": -9, "akdt": -8, "hst": -10,
	"nst": -3.5, "ndt": -2.5, "brt": -3, "art": -3, "clt": -4,
}

// months gives the number of a month by its name or abbreviation, in lower
// case: the names that are used in dates, in the languages that most feeds
// are written in.
var months = index(
	// English, German, Dutch, Scandinavian, Indonesian
	"jan january januar jänner januari janúar", "feb february februar februari feber febrúar pebruari",
	"mar march märz maerz mär mrz maart mrt mars marts maret", "apr april", "may mai mei maj maí",
	"jun june juni júní", "jul july juli júlí", "aug august augustus augusti agustus ágúst agt agu",
	"sep sept september", "oct october okt oktober október", "nov november nóvember nop nopember",
	"dec december dez dezember desember des",
	// French
	"janvier janv", "février fevrier févr fév fevr", "mars", "avril avr", "mai", "juin", "juillet juil",
	"août aout", "septembre", "octobre", "novembre", "décembre decembre déc",
	// Spanish
	"enero ene", "febrero", "marzo", "abril abr", "mayo", "junio", "julio", "agosto ago",
	"septiembre setiembre set", "octubre", "noviembre", "diciembre dic",
	// Portuguese
	"janeiro", "fevereiro fev", "março marco", "abril", "maio", "junho", "julho", "agosto",
	"setembro", "outubro out", "novembro", "dezembro",
	// Italian
	"gennaio gen genn", "febbraio febbr", "marzo", "aprile", "maggio mag", "giugno giu", "luglio lug", "agosto",
	"settembre sett", "ottobre ott", "novembre", "dicembre",
	// Russian
	"январь января янв", "февраль февраля фев февр", "март марта мар", "апрель апреля апр", "май мая",
	"июнь июня июн", "июль июля июл", "август августа авг", "сентябрь сентября сен сент",
	"октябрь октября окт", "ноябрь ноября ноя нояб", "декабрь декабря дек",
	// Ukrainian
	"січень січня січ", "лютий лютого лют", "березень березня бер", "квітень квітня кві", "травень травня тра",
	"червень червня чер", "липень липня лип", "серпень серпня сер", "вересень вересня вер",
	"жовтень жовтня жов", "листопад листопада лис", "грудень грудня гру",
	// Polish
	"styczeń stycznia sty", "luty lutego lut", "marzec marca", "kwiecień kwietnia kwi", "maja",
	"czerwiec czerwca cze", "lipiec lipca lip", "sierpień sierpnia sie", "wrzesień września wrz",
	"październik października paź", "listopad listopada lis", "grudzień grudnia gru",
	// Czech
	"leden ledna led", "únor února úno", "březen března bře", "duben dubna dub", "květen května kvě",
	"červen června", "červenec července", "srpen srpna srp", "září", "říjen října říj", "listopadu", "prosinec prosince pro",
	// Turkish
	"ocak oca", "şubat şub", "mart", "nisan nis", "mayıs", "haziran haz", "temmuz tem", "ağustos ağu",
	"eylül eyl", "ekim eki", "kasım kas", "aralık ara",
	// Hungarian
	"január", "február", "március márc", "április ápr", "május máj", "június jún", "július júl", "augusztus",
	"szeptember szept", "október", "november", "december",
	// Romanian
	"ianuarie ian", "februarie", "martie", "aprilie", "mai", "iunie iun", "iulie iul", "august",
	"septembrie", "octombrie", "noiembrie noi", "decembrie",
	// Greek
	"ιανουάριος ιανουαρίου ιαν", "φεβρουάριος φεβρουαρίου φεβ", "μάρτιος μαρτίου μάρ μαρ", "απρίλιος απριλίου απρ",
	"μάιος μαΐου μάι μαϊ", "ιούνιος ιουνίου ιούν ιουν", "ιούλιος ιουλίου ιούλ ιουλ", "αύγουστος αυγούστου αύγ αυγ",
	"σεπτέμβριος σεπτεμβρίου σεπ", "οκτώβριος οκτωβρίου οκτ", "νοέμβριος νοεμβρίου νοέ νοε", "δεκέμβριος δεκεμβρίου δεκ",
	// Arabic
	"يناير", "فبراير", "مارس", "أبريل ابريل إبريل", "مايو", "يونيو يونيه", "يوليو يوليه", "أغسطس اغسطس",
	"سبتمبر", "أكتوبر اكتوبر", "نوفمبر", "ديسمبر",
	// Persian (of the Gregorian calendar)
	"ژانویه", "فوریه", "مارس", "آوریل", "مه", "ژوئن", "ژوئیه", "اوت", "سپتامبر", "اکتبر", "نوامبر", "دسامبر",
	// Hebrew
	"ינואר", "פברואר", "מרץ", "אפריל", "מאי", "יוני", "יולי", "אוגוסט", "ספטמבר", "אוקטובר", "נובמבר", "דצמבר",
	// Chinese and Japanese, as WordPress writes them
	"一月", "二月", "三月", "四月", "五月", "六月", "七月", "八月", "九月", "十月", "十一月", "十二月",
)

// index makes a table of rows of names, twelve rows a language.
func index(rows ...string) map[string]int {
	out := map[string]int{}
	for i, row := range rows {
		for _, name := range strings.Fields(row) {
			out[name] = i%12 + 1
		}
	}
	return out
}

// noise are words in dates that carry nothing: days of the week where they do
// not come first, particles, ordinals.
var noise = set("st nd rd th er ème eme º ª de del di du d le la el den der am um à at of the a las às as om kl klo " +
	"uhr h ore alle v w o ob в на " +
	"mon tue wed thu fri sat sun tues wednes thur thurs monday tuesday wednesday thursday friday saturday sunday " +
	"mo di mi do fr sa so montag dienstag mittwoch donnerstag freitag samstag sonntag " +
	"lun mar mer jeu ven sam dim mié mie jue vie sáb sab dom lunes martes miércoles jueves viernes sábado domingo " +
	"пн вт ср чт пт сб вс")

func set(words string) map[string]bool {
	out := map[string]bool{}
	for _, w := range strings.Fields(words) {
		out[w] = true
	}
	return out
}
