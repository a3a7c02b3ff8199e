package web

import (
	"container/list"
	"strconv"
	"sync"

	"golang.org/x/sync/singleflight"
)

// Bounds of the page caches, and of how many strangers pages are made for.
const (
	cacheEntries = 500
	cacheBytes   = 8 << 20
	pagesAtOnce  = 4
	pagesWait    = 32
)

// cache keeps the documents that were asked for last, within bounds of number
// and bytes. Each carries a stamp (a change number, a second) and is good for
// that stamp only.
type cache struct {
	maxEntries, maxBytes int

	mu    sync.Mutex
	byKey map[string]*list.Element
	order *list.List // most recently used first
	bytes int

	flight singleflight.Group
}

type cached struct {
	key   string
	stamp int64
	doc   *document
}

func newCache(entries, bytes int) *cache {
	return &cache{maxEntries: entries, maxBytes: bytes, byKey: map[string]*list.Element{}, order: list.New()}
}

// document returns what is kept under key for stamp, else makes and keeps it.
// Requests for the same stamp that come while it is being made wait for it;
// one for a later stamp gets no document that was begun before the change.
func (c *cache) document(key string, stamp int64, render func() (*document, error)) (*document, error) {
	if d := c.get(key, stamp); d != nil {
		return d, nil
	}
	v, err, _ := c.flight.Do(strconv.FormatInt(stamp, 10)+" "+key, func() (any, error) {
		d, err := render()
		if err == nil {
			c.put(key, stamp, d)
		}
		return d, err
	})
	if err != nil {
		return nil, err
	}
	return v.(*document), nil
}

func (c *cache) get(key string, stamp int64) *document {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.byKey[key]
	if e == nil || e.Value.(*cached).stamp != stamp {
		return nil
	}
	c.order.MoveToFront(e)
	return e.Value.(*cached).doc
}

// last is what is kept under key, whatever its stamp; nil if nothing is.
func (c *cache) last(key string) *document {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.byKey[key]; e != nil {
		return e.Value.(*cached).doc
	}
	return nil
}

func (c *cache) put(key string, stamp int64, d *document) {
	if d.size() > c.maxBytes {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.byKey[key]; e != nil {
		c.drop(e)
	}
	c.byKey[key] = c.order.PushFront(&cached{key, stamp, d})
	c.bytes += d.size()
	for c.bytes > c.maxBytes || c.order.Len() > c.maxEntries {
		c.drop(c.order.Back())
	}
}

func (c *cache) drop(e *list.Element) {
	old := c.order.Remove(e).(*cached)
	delete(c.byKey, old.key)
	c.bytes -= old.doc.size()
}
