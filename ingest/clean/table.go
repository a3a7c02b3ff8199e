package clean

// tablePart starts a table or a part of one. Parts that the document left out
// are supplied, as a browser does (13.2.6.4.9 to .15); parts without a table
// are left out.
func (m *machine) tablePart(element string, c class) {
	if c == classTable {
		m.openBlock(element, c)
		return
	}
	table := m.tableScope("table")
	if table < 0 {
		m.text.gap = true
		return
	}
	switch c {
	case classCaption, classColumns, classRows:
		m.closeFrom(table + 1)
	case classRow:
		m.closeFrom(m.within(table, classRows) + 1)
		m.supply(classTable)
	case classCell:
		m.closeFrom(max(m.within(table, classRows), m.within(table, classRow)) + 1)
		m.supply(classTable)
		m.supply(classRows)
	}
	m.open(element, c)
}

// supply opens the part that must come between the innermost open element, if
// it is of the given class, and what is in it.
func (m *machine) supply(inside class) {
	switch top := m.top().class; {
	case top != inside:
	case top == classTable:
		m.imply("tbody", classRows)
	case top == classRows:
		m.imply("tr", classRow)
	case top == classRow:
		m.imply("td", classCell)
	}
}

// flow makes the innermost open element one that text and pictures may stand
// in: what stands loose in a table gets a cell of its own. (A browser moves it
// before the table.)
func (m *machine) flow() {
	if m.top().class == classColumns {
		m.closeFrom(len(m.stack) - 1)
	}
	m.supply(classTable)
	m.supply(classRows)
	m.supply(classRow)
}

// within is the place of the innermost element of a class inside the table at
// the given place; that of the table if there is none.
func (m *machine) within(table int, c class) int {
	for i := len(m.stack) - 1; i > table; i-- {
		if m.stack[i].class == c {
			return i
		}
	}
	return table
}

// tableScope is the place of the innermost element of that name that belongs
// to the innermost table (or is it), -1 if there is none.
func (m *machine) tableScope(element string) int {
	for i := len(m.stack) - 1; i >= 0; i-- {
		if m.stack[i].name == element {
			return i
		}
		if m.stack[i].class == classTable {
			return -1
		}
	}
	return -1
}
