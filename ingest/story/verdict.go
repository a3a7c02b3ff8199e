package story

// tally is how many of a story's items that were compared are of the item's event,
// and how many are not.
type tally struct {
	row     int64
	in, out int
}

func (c *comparison) verdict() Verdict {
	stories := c.tallies()
	members := c.members(0)
	if len(members) == 0 {
		return c.alone()
	}
	v := Verdict{Rule: RuleJoins, Similarity: c.meanLike(members)}
	best := 0
	for _, s := range stories {
		if s.in > best && s.in >= s.out && !c.barred(0, s.row) {
			v.Story, best = s.row, s.in
		}
	}
	if v.Story == 0 {
		v.Rule = RuleParts
	}
	for _, m := range members {
		if v.Story == 0 || c.near[m].StoryRow != v.Story && !c.barred(m, v.Story) {
			v.Bring = append(v.Bring, c.near[m].EntryID)
		}
	}
	v.Reason = c.because(members, v)
	return v
}

// barred tells whether an item must not come into a story, for what that has in it.
func (c *comparison) barred(i int, row int64) bool {
	for k := 1; k < len(c.near); k++ {
		if c.near[k].StoryRow == row && c.apart[i]&(1<<k) != 0 {
			return true
		}
	}
	return false
}

// members are the items, but for i itself, of i's event; nearest to the new item first.
func (c *comparison) members(i int) []int {
	var list []int
	for k := 1; k < len(c.near); k++ {
		if k != i && c.event[k] == c.event[i] {
			list = append(list, k)
		}
	}
	return list
}

// tallies are the stories of the items compared, that of the nearest first.
func (c *comparison) tallies() []tally {
	var list []tally
	for k := 1; k < len(c.near); k++ {
		at := -1
		for i, s := range list {
			if s.row == c.near[k].StoryRow {
				at = i
			}
		}
		if at < 0 {
			at = len(list)
			list = append(list, tally{row: c.near[k].StoryRow})
		}
		if c.event[k] == c.event[0] {
			list[at].in++
		} else {
			list[at].out++
		}
	}
	return list
}

// meanLike is how much the new item is like some others.
func (c *comparison) meanLike(of []int) float64 {
	sum := float32(0)
	for _, k := range of {
		sum += c.like[0][k]
	}
	return float64(sum) / float64(len(of))
}
