package story

// use is a term in one of the compared items.
type use struct {
	item   uint8
	kind   kind
	leads  uint8
	weight float32
	next   uint16 // the term's use in an item before, by place in uses; 0: none
}

// slots is how many places the table of terms has: twice as many as there can be terms.
const slots = 4096

// uses are the terms of all compared items, each with the items that have it.
type uses struct {
	hash [slots]uint32 // plus one; 0: free
	last [slots]uint16
	list []use
}

// slot finds a term's place in the table.
func (u *uses) slot(hash uint32) int {
	h := int(hash % slots)
	for u.hash[h] != 0 && u.hash[h] != hash+1 {
		h = (h + 1) % slots
	}
	u.hash[h] = hash + 1
	return h
}

// compare fills in how much each two of the items are alike.
func (c *comparison) compare() {
	u := uses{list: make([]use, 1, len(c.near)*maxTerms+1)}
	for i, x := range c.near {
		var p [maxNear + 1]product
		named := uint32(0)
		for k := range x.Terms.list {
			t := &x.Terms.list[k]
			leads := bit(t.leads)
			h := u.slot(t.hash)
			for at := u.last[h]; at != 0; at = u.list[at].next {
				o := &u.list[at]
				p[o.item][o.kind&t.kind] += o.weight * t.weight
				named |= uint32(leads|o.leads) << (o.item & 31)
			}
			u.list = append(u.list, use{uint8(i), t.kind, leads, t.weight, u.last[h]})
			u.last[h] = uint16(len(u.list) - 1)
		}
		c.age[i] = age(x, c.near[0].When)
		for j := range i {
			l := likeness(x, c.near[j], &p[j]) * min(c.age[i]/c.age[j], c.age[j]/c.age[i])
			c.like[i][j], c.like[j][i] = l, l
			if !x.Terms.led || !c.near[j].Terms.led {
				named |= 1 << j
			}
			c.named[j] |= named >> j & 1 << i
			if instalments(x, c.near[j]) {
				c.apart[i] |= 1 << j
				c.apart[j] |= 1 << i
			}
		}
		c.named[i] = named
	}
}
