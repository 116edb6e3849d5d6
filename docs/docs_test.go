//go:build linux

package docs_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// What the words behind the fences mean. The first is the language: these two are run, the others hold no commands. Those
// behind it are marks: a block that has one is not run, and says what it needs.
var (
	run   = []string{"sh", "console"}
	other = []string{"yaml", "dockerfile", "go", "ini", "ebnf", "text"}
	marks = []string{"cluster", "engine", "root", "long"}
)

var update = flag.Bool("update", false, "write what commands print into the pages, where it differs")

// A block is what stands between two fences.
type block struct {
	line     int // of the opening fence
	language string
	marks    []string
	text     string
}

// indented finds commands outside of fences, where nobody would run them.
var indented = regexp.MustCompile(`^(\t| {4,})(\$ |(bin/)?seccompc |(bin/)?seccomp-load [^[]|make |go |git |docker |kubectl |systemctl )`)

// blocks returns the blocks of a page. Fences in HTML comments count too: they prepare what a reader has already.
func blocks(page string) ([]block, error) {
	var all []block
	open := false
	for i, line := range strings.Split(page, "\n") {
		info, fence := strings.CutPrefix(line, "```")
		switch {
		case !fence && (strings.HasPrefix(strings.TrimSpace(line), "```") || strings.HasPrefix(strings.TrimSpace(line), "~~~")):
			return nil, fmt.Errorf("line %d: a fence that is not three backquotes at the line's start", i+1)
		case fence && open:
			if info != "" {
				return nil, fmt.Errorf("line %d: the block of line %d is not closed", i+1, all[len(all)-1].line)
			}
			open = false
		case fence:
			words := strings.Fields(info)
			if len(words) == 0 || !slices.Contains(slices.Concat(run, other), words[0]) {
				return nil, fmt.Errorf("line %d: %q: a block's language is one of %q", i+1, info, slices.Concat(run, other))
			}
			open = true
			all = append(all, block{line: i + 1, language: words[0], marks: words[1:]})
		case open:
			all[len(all)-1].text += line + "\n"
		case indented.MatchString(line):
			return nil, fmt.Errorf("line %d: a command without a fence: %s", i+1, line)
		}
	}
	if open {
		return nil, fmt.Errorf("the block of line %d is not closed", all[len(all)-1].line)
	}
	return all, nil
}

// A step is a command of a console block with the output that the page shows, or a whole sh block, whose output is not shown.
type step struct {
	line          int
	command, want string
	shown         bool
}

var heredoc = regexp.MustCompile(`<<'?(\w+)'?`)

// steps cuts a block. A command is the line behind "$ " with those that a backslash or a here-document adds.
func (b block) steps() ([]step, error) {
	if b.language == "sh" {
		return []step{{line: b.line, command: "set -e\n" + b.text + "set +e\n"}}, nil
	}
	var all []step
	more := func(string) bool { return false } // the line before wants this one too
	for i, line := range strings.SplitAfter(strings.TrimSuffix(b.text, "\n"), "\n") {
		line = strings.TrimSuffix(line, "\n") + "\n"
		command, prompt := strings.CutPrefix(line, "$ ")
		switch {
		case len(all) > 0 && more(line):
			all[len(all)-1].command += line
		case prompt:
			all = append(all, step{line: b.line + 1 + i, command: command, shown: true})
			end, ended := heredoc.FindStringSubmatch(command), false
			before := command
			more = func(next string) bool {
				if end != nil {
					now := ended
					ended = ended || next == end[1]+"\n"
					return !now
				}
				now := strings.HasSuffix(before, "\\\n")
				before = next
				return now
			}
		case len(all) == 0:
			return nil, fmt.Errorf("line %d: output without a command", b.line+1+i)
		default:
			all[len(all)-1].want += line
		}
	}
	return all, nil
}

// matches compares output with what a page shows, where "..." stands for anything: in a line for a part of it, alone for lines.
func matches(want, got string) bool {
	pattern := strings.ReplaceAll(regexp.QuoteMeta(want), `\.\.\.`, `.*`)
	pattern = regexp.MustCompile(`(?m)^\.\*\n`).ReplaceAllString(pattern, `(?:.*\n)*`)
	return regexp.MustCompile(`\A` + pattern + `\z`).MatchString(got)
}

// checkout copies the working tree, without what git ignores, and adds what pages take as the reader's.
func checkout(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	entries, err := os.ReadDir("..")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		from, to := filepath.Join("..", e.Name()), filepath.Join(dir, e.Name())
		switch {
		case slices.Contains([]string{".git", "bin", "dist"}, e.Name()):
		case e.IsDir():
			if err := os.CopyFS(to, os.DirFS(from)); err != nil {
				t.Fatal(err)
			}
		default:
			text, err := os.ReadFile(from)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(to, text, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	profile := `{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": ["execve"], "action": "SCMP_ACT_ALLOW"}]}`
	if err := os.WriteFile(filepath.Join(dir, "profile.json"), []byte(profile), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

// shell runs a script in dir and returns what it wrote, to whichever stream.
func shell(t *testing.T, dir, bin, script string) (string, error) {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(free.Addr().String())
	free.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-c", "exec 2>&1\n"+script)
	cmd.Dir = dir
	// -trimpath: so that the go command has most of it built already, for another folder. LC_ALL: plain quotes in messages.
	cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "PORT="+port, "LC_ALL=C", "GOFLAGS=-trimpath -buildvcs=false",
		"GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@localhost",
		"GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@localhost", "PAGER=cat")
	var out bytes.Buffer
	cmd.Stdout = &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // to end what a page leaves running
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	err = cmd.Wait()
	syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	return out.String(), err
}

// TestCommands runs every command that README.md and docs show in fenced blocks, each page in a shell and a checkout of its
// own, and compares what they print, or writes it into the page: go test ./docs -update. docs/design.md says how the blocks
// are written.
func TestCommands(t *testing.T) {
	pages := []string{"../README.md"}
	if err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if filepath.Ext(path) == ".md" {
			pages = append(pages, path)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	first := checkout(t)
	out, err := shell(t, first, "", "make build && bin/seccompc compile --target x86_64 --format raw -o toaster.bpf policies/toaster.yaml")
	if err != nil {
		t.Fatalf("make build: %v\n%s", err, out)
	}
	raw, err := os.ReadFile(filepath.Join(first, "toaster.bpf"))
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	t.Run("page", func(t *testing.T) {
		for _, page := range pages {
			text, err := os.ReadFile(page)
			if err != nil {
				t.Fatal(err)
			}
			all, err := blocks(string(text))
			if err != nil {
				t.Errorf("%s: %v", page, err)
				continue
			}
			var todo []step
			for _, b := range all {
				if !slices.Contains(run, b.language) {
					continue
				}
				if len(b.marks) > 0 {
					if len(b.marks) > 1 || !slices.Contains(marks, b.marks[0]) {
						t.Errorf("%s:%d: %q: a mark is one of %q", page, b.line, b.marks, marks)
					}
					t.Logf("%s:%d: not run, it needs: %s", page, b.line, b.marks[0])
					continue
				}
				s, err := b.steps()
				if err != nil {
					t.Errorf("%s: %v", page, err)
				}
				todo = append(todo, s...)
			}
			if len(todo) == 0 {
				continue
			}
			ran += len(todo)
			t.Run(strings.TrimPrefix(page, "../"), func(t *testing.T) {
				t.Parallel()
				dir := checkout(t)
				if err := os.WriteFile(filepath.Join(dir, "toaster.bpf"), raw, 0o644); err != nil {
					t.Fatal(err)
				}
				follow(t, page, todo, dir, filepath.Join(first, "bin"))
			})
		}
	})
	if ran < 50 {
		t.Errorf("%d commands found", ran)
	}
}

// follow runs the steps of a page in one shell. Between two of them the shell writes a NUL, the exit code and a NUL.
func follow(t *testing.T, page string, steps []step, dir, bin string) {
	var script strings.Builder
	for _, s := range steps {
		script.WriteString(s.command + "(code=$?; printf '\\0%d\\0' $code; exit $code)\n")
	}
	out, err := shell(t, dir, bin, script.String()+":\n")
	parts := strings.Split(out, "\x00")
	differ := map[int]string{} // what steps printed that is not in the page
	for i, s := range steps {
		got := parts[0]
		if len(parts) < 3 {
			t.Errorf("%s:%d: the shell ended (%v):\n%s\n%s", page, s.line, err, s.command, got)
			break
		}
		code := parts[1]
		parts = parts[2:]
		switch {
		case s.shown && !matches(s.want, got):
			differ[i] = got
			t.Errorf("%s:%d: $ %spage (-) and run (+) differ, exit code %s:\n%s", page, s.line, s.command, code, cmp.Diff(s.want, got))
		case (!s.shown || s.want == "") && code != "0":
			t.Errorf("%s:%d: exit code %s:\n%s\n%s", page, s.line, code, s.command, got)
		}
	}
	if *update && len(differ) > 0 {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.SplitAfter(string(text), "\n")
		for i, s := range slices.Backward(steps) {
			if got, ok := differ[i]; ok {
				at := s.line - 1 + strings.Count(s.command, "\n")
				lines = slices.Replace(lines, at, at+strings.Count(s.want, "\n"), got)
			}
		}
		if err := os.WriteFile(page, []byte(strings.Join(lines, "")), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}
