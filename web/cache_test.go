package web

import (
	"testing"
	"testing/synctest"
)

func TestAfterAChangeNobodyGetsADocumentBegunBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCache(3, 20_000)
		finish := make(chan struct{})
		slow := func() {
			d, err := c.document("front", 1, func() (*document, error) {
				<-finish
				return newDocument([]byte("old"), docOptions{})
			})
			if err != nil || string(d.plain.body) != "old" {
				t.Errorf("%+v, %v", d, err)
			}
		}
		go slow()
		synctest.Wait()
		go slow() // joins the first, which is still at work
		synctest.Wait()
		d, err := c.document("front", 2, func() (*document, error) { return newDocument([]byte("new"), docOptions{}) })
		if err != nil || string(d.plain.body) != "new" {
			t.Errorf("%+v, %v", d, err)
		}
		close(finish)
		synctest.Wait()
	})
}
