package story

import (
	"strings"

	"tributary/ingest/words"
)

// series is a hash of a title without figures, days and months: what the instalments of
// a column, a table or a bulletin have in common ("Market close, 12 May"). It is 0 for no title.
func series(title words.Text) uint32 {
	if len(title.Words) == 0 {
		return 0
	}
	h := uint32(2166136261)
	for _, w := range title.Words {
		if w.Is(words.Number) || ofDates[w.Text] {
			continue
		}
		h = (h ^ fnv(w.Text)) * 16777619
	}
	return max(1, h)
}

// instalments tells whether two items are of one series of one source: then they are
// never the same event, however alike.
func instalments(a, b *Item) bool {
	return a.SourceID != 0 && a.SourceID == b.SourceID && a.Terms.series != 0 && a.Terms.series == b.Terms.series
}

// ofDates are the words that dates are written with, in English, German, French,
// Spanish, Italian, Dutch, Polish, Ukrainian and Russian.
var ofDates = func() map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(`
		st nd rd th
		monday tuesday wednesday thursday friday saturday sunday mon tue tues wed thu thur thurs fri sat sun
		january february march april may june july august september october november december
		jan feb mar apr jun jul aug sep sept oct nov dec
		montag dienstag mittwoch donnerstag freitag samstag sonnabend sonntag
		januar februar märz mai juni juli oktober dezember
		lundi mardi mercredi jeudi vendredi samedi dimanche
		janvier février mars avril juin juillet août septembre octobre novembre décembre
		lunes martes miércoles jueves viernes sábado domingo
		enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre
		lunedì martedì mercoledì giovedì venerdì sabato domenica
		gennaio febbraio aprile maggio giugno luglio settembre ottobre dicembre
		maandag dinsdag woensdag donderdag vrijdag zaterdag zondag januari februari maart mei augustus
		poniedziałek wtorek środa czwartek piątek sobota niedziela
		stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia
		понеділок вівторок середа четвер п’ятниця субота неділя
		січня лютого березня квітня травня червня липня серпня вересня жовтня листопада грудня
		понедельник вторник среда четверг пятница суббота воскресенье
		января февраля марта апреля мая июня июля августа сентября октября ноября декабря`) {
		set[w] = true
	}
	return set
}()
