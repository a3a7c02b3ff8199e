package main

import (
	"database/sql"
	"flag"
	"fmt"
	"net/http"
	"runtime"
	"sync"

	"github.com/mmcdole/gofeed"
	_ "modernc.org/sqlite" // the driver that the program uses too
)

// floorCommand is the bare pipeline: fetch, parse, insert, and nothing else.
// No cleaning, no duplicates, nothing kept but the rows.
func floorCommand(args []string) error {
	flags := flag.NewFlagSet("floor", flag.ContinueOnError)
	base := flags.String("base", "", "address of the feeds")
	feeds := flags.Int("feeds", 1000, "number of feeds")
	path := flags.String("db", "", "database to make")
	if err := flags.Parse(args); err != nil {
		return err
	}
	db, err := sql.Open("sqlite", "file:"+*path+"?_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)")
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }() // the rows are committed
	db.SetMaxOpenConns(1)
	if _, err := db.Exec(`CREATE TABLE row (feed INTEGER, guid TEXT, title TEXT, link TEXT, published INTEGER, content TEXT)`); err != nil {
		return err
	}
	numbers, parsed := make(chan int), make(chan *gofeed.Feed)
	var workers sync.WaitGroup
	for range 2 * runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for n := range numbers {
				parsed <- get(fmt.Sprintf("%s/feed/%d", *base, n))
			}
		})
	}
	go func() {
		for n := range *feeds {
			numbers <- n
		}
		close(numbers)
		workers.Wait()
		close(parsed)
	}()
	return insertAll(db, parsed)
}

// get fetches and parses one feed; a failure ends the benchmark.
func get(url string) *gofeed.Feed {
	resp, err := http.Get(url)
	if err != nil {
		panic(err)
	}
	defer func() { _ = resp.Body.Close() }() // read to its end by the parser
	doc, err := gofeed.NewParser().Parse(resp.Body)
	if err != nil {
		panic(err)
	}
	return doc
}

// insertAll writes what comes in, 64 feeds a transaction.
func insertAll(db *sql.DB, in <-chan *gofeed.Feed) error {
	for n, open := 0, true; open; {
		tx, err := db.Begin()
		if err != nil {
			return err
		}
		insert, err := tx.Prepare(`INSERT INTO row VALUES ($1, $2, $3, $4, $5, $6)`)
		if err != nil {
			return err
		}
		for range 64 {
			var doc *gofeed.Feed
			if doc, open = <-in; !open {
				break
			}
			n++
			for _, i := range doc.Items {
				content := i.Content
				if content == "" {
					content = i.Description
				}
				if _, err := insert.Exec(n, i.GUID, i.Title, i.Link, i.PublishedParsed.UnixMilli(), content); err != nil {
					return err
				}
			}
		}
		if err := tx.Commit(); err != nil {
			return err
		}
	}
	return nil
}
