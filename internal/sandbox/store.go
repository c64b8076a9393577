package sandbox

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
)

// A store keeps tables in memory and on disk. Each commit is one line of a journal, appended whole,
// so a process that dies leaves the state before or after a change and never in between; opening
// folds the journal into a snapshot that replaces the old one by a rename.
type store struct {
	sync.Mutex
	dir     string
	journal *os.File
	tables  map[string]rows
	dirty   map[rowKey]func() (json.RawMessage, error)
	order   []rowKey
}

type rowKey struct{ table, key string }

// A change is one row of a commit. A missing row was deleted.
type change struct {
	Table string          `json:"t"`
	Key   string          `json:"k"`
	Row   json.RawMessage `json:"v,omitempty"`
}

// rows is what the store needs of a table, whatever its type.
type rows interface {
	load(key string, row json.RawMessage) error
	dump(func(key string, row any) error) error
}

// A table is rows of one type by key. Rows are shared: change one, then put it.
type table[T any] struct {
	store *store
	name  string
	rows  map[string]*T
}

func newTable[T any](s *store, name string) *table[T] {
	t := &table[T]{store: s, name: name, rows: map[string]*T{}}
	s.tables[name] = t
	return t
}

func (t *table[T]) get(key string) *T { return t.rows[key] }

func (t *table[T]) put(key string, row *T) {
	t.rows[key] = row
	t.store.touch(rowKey{t.name, key}, func() (json.RawMessage, error) { return json.Marshal(row) })
}

// show adds a row that is made anew at each start and never written.
func (t *table[T]) show(key string, row *T) { t.rows[key] = row }

func (t *table[T]) remove(key string) {
	delete(t.rows, key)
	t.store.touch(rowKey{t.name, key}, func() (json.RawMessage, error) { return nil, nil })
}

func (t *table[T]) load(key string, raw json.RawMessage) error {
	if raw == nil {
		delete(t.rows, key)
		return nil
	}
	row := new(T)
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(row); err != nil {
		return fmt.Errorf("row %q of %s: %w", key, t.name, err)
	}
	t.rows[key] = row
	return nil
}

func (t *table[T]) dump(emit func(string, any) error) error {
	for _, k := range slices.Sorted(maps.Keys(t.rows)) {
		if err := emit(k, t.rows[k]); err != nil {
			return err
		}
	}
	return nil
}

func newStore(dir string) *store {
	return &store{dir: dir, tables: map[string]rows{}, dirty: map[rowKey]func() (json.RawMessage, error){}}
}

func (s *store) touch(k rowKey, encode func() (json.RawMessage, error)) {
	if _, ok := s.dirty[k]; !ok {
		s.order = append(s.order, k)
	}
	s.dirty[k] = encode
}

// commit writes what was put and removed since the last commit. The caller holds the lock.
func (s *store) commit() error {
	if len(s.order) == 0 {
		return nil
	}
	changes := make([]change, 0, len(s.order))
	for _, k := range s.order {
		row, err := s.dirty[k]()
		if err != nil {
			return fmt.Errorf("encode %s %q: %w", k.table, k.key, err)
		}
		changes = append(changes, change{k.table, k.key, row})
	}
	s.order = s.order[:0]
	clear(s.dirty)
	line, err := json.Marshal(changes)
	if err != nil {
		return fmt.Errorf("encode a change: %w", err)
	}
	if _, err := s.journal.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("write the state: %w", err)
	}
	return nil
}

// open reads the state, after all tables are made, and folds the journal into the snapshot.
func (s *store) open() error {
	for _, name := range []string{"state.json", "journal.jsonl"} {
		if err := s.replay(filepath.Join(s.dir, name)); err != nil {
			return err
		}
	}
	if err := s.snapshot(); err != nil {
		return fmt.Errorf("write the state: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(s.dir, "journal.jsonl"), os.O_CREATE|os.O_TRUNC|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("open the state: %w", err)
	}
	s.journal = f
	return nil
}

func (s *store) replay(file string) error {
	f, err := os.Open(file) //nolint:gosec // G304: a fixed name below the server's own directory
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("open the state: %w", err)
	}
	defer f.Close() //nolint:errcheck // opened for reading
	for r := bufio.NewReaderSize(f, 1<<20); ; {
		line, err := r.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil // a last line without its end is a change that was never finished
		}
		if err != nil {
			return fmt.Errorf("read the state: %w", err)
		}
		var changes []change
		if err := json.Unmarshal(line, &changes); err != nil {
			return fmt.Errorf("%s is damaged: %w", file, err)
		}
		for _, c := range changes {
			t, ok := s.tables[c.Table]
			if !ok {
				return fmt.Errorf("%s holds %q, which this version does not know", file, c.Table)
			}
			if err := t.load(c.Key, c.Row); err != nil {
				return fmt.Errorf("%s is damaged: %w", file, err)
			}
		}
	}
}

// snapshot writes every row, one line each, and puts the file in the old one's place at once.
func (s *store) snapshot() error {
	f, err := os.CreateTemp(s.dir, "state-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) //nolint:errcheck // already renamed when all went well
	w := bufio.NewWriter(f)
	e := json.NewEncoder(w)
	for _, name := range slices.Sorted(maps.Keys(s.tables)) {
		err := s.tables[name].dump(func(key string, row any) error {
			b, err := json.Marshal(row)
			if err != nil {
				return err
			}
			return e.Encode([]change{{name, key, b}})
		})
		if err != nil {
			return errors.Join(err, f.Close())
		}
	}
	if err := errors.Join(w.Flush(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), filepath.Join(s.dir, "state.json"))
}

func (s *store) close() error {
	if s.journal == nil {
		return nil
	}
	return s.journal.Close()
}
