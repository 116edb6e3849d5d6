package main

import (
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// completions are command lines whose last word is begun, and what it can become; "..." stands for more.
var completions = []struct {
	line string
	want string
}{
	{"list groups @file", "@file-system"},
	{"list constants O_NOF", "O_NOFOLLOW"},
	{"list syscalls --target aarch", "aarch64"},
	{"compile --target x86_64+", "x86_64+i386 x86_64+x32"},
	{"compile --target x86_64+x32+", "x86_64+x32+i386"},
	{"test --cap CAP_SYS_BO", "CAP_SYS_BOOT"},
	{"explain x.seccomp mkdi", "mkdir mkdirat"},
	{"explain --target riscv64 x.seccomp mkdi", "mkdirat"},
	{"diff --fail-on w", "widened"},
	{"diff --format m", "markdown"},
	{"export --format b", "base64"},
	{"check --explain clone3", "clone3-open"},
	{"check --findings e", "error"},
	{"exp", "explain export"},
	{"list const", "constants"},
}

// values leaves the descriptions of what __complete prints away, and the directive.
func values(out string) (list []string) {
	for line := range strings.Lines(out) {
		if line = strings.TrimSpace(line); line != "" && line[0] != ':' {
			word, _, _ := strings.Cut(line, "\t")
			list = append(list, word)
		}
	}
	return list
}

func TestComplete(t *testing.T) {
	for _, c := range completions {
		out, err := exec.Command("seccompc", append([]string{"__complete"}, strings.Split(c.line, " ")...)...).Output()
		if got := strings.Join(values(string(out)), " "); err != nil || got != c.want {
			t.Errorf("%s: %q, %v; want %q", c.line, got, err, c.want)
		}
	}
	for line, want := range map[string]string{ // extensions for the shell to choose files by
		"compile ": "yaml yml json", "disasm ": "seccomp bpf yaml yml json", "explain --policy ": "yaml yml json", "diff a ": "seccomp bpf yaml yml json", "export ": "seccomp",
	} {
		out, err := exec.Command("seccompc", append([]string{"__complete"}, strings.Split(line, " ")...)...).Output()
		if got := strings.Join(values(string(out)), " "); err != nil || got != want || !strings.HasSuffix(string(out), ":8\n") {
			t.Errorf("%s: %q, %v; want the extensions %s", line, out, err, want)
		}
	}
}

// TestCompleteEverything: no flag is left to files but those that name one, and no entry of the tables is without its command or
// flag.
func TestCompleteEverything(t *testing.T) {
	fileFlags := []string{"output"}
	flag := regexp.MustCompile(`(?m)^ +(?:-., )?--([a-z-]+)(?: (\S+))?  `) // with its value, as help shows it
	var names, flags []string
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		name := strings.TrimPrefix(c.CommandPath(), "seccompc ")
		names = append(names, name)
		for _, f := range flag.FindAllStringSubmatch(c.LocalFlags().FlagUsages(), -1) {
			flags = append(flags, f[1], name+" "+f[1])
			if _, has := c.GetFlagCompletionFunc(f[1]); !has && f[2] != "" && !slices.Contains(fileFlags, f[1]) {
				t.Errorf("%s --%s is not completed", name, f[1])
			}
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(root())
	for name := range argumentCompleters {
		if !slices.Contains(names, name) {
			t.Errorf("there is no command %s", name)
		}
	}
	for name := range flagCompleters {
		if !slices.Contains(flags, name) {
			t.Errorf("there is no flag %s", name)
		}
	}
}

// TestShells loads the script that each shell is given into that shell and has it complete a line.
func TestShells(t *testing.T) {
	for shell, driver := range map[string]string{
		// In place of the package bash-completion, which finds out the words at hand, and of a line that is being edited.
		"bash": `_get_comp_words_by_ref() { words=("${COMP_WORDS[@]}"); cword=$COMP_CWORD; cur=${words[cword]}; prev=${words[cword-1]}; }
			compopt() { :; }
			source <(seccompc completion bash)
			COMP_WORDS=(seccompc LINE) COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMP_TYPE=9
			__start_seccompc
			printf '%s\n' "${COMPREPLY[@]%% *}"`,
		// Cobra gives fish a single word twice, once with a dot, where no space is to follow.
		"fish": `seccompc completion fish | source; complete --do-complete 'seccompc LINE' | string match -v '*.'`,
		// In place of the line's editor.
		"zsh": `compdef() { :; }; _describe() { eval 'printf "%s\n" "${'$2'[@]%%:*}"'; }; _arguments() { :; }
			source <(seccompc completion zsh)
			words=(seccompc LINE) CURRENT=${#words}
			_seccompc`,
	} {
		t.Run(shell, func(t *testing.T) {
			path, err := exec.LookPath(shell)
			if err != nil {
				t.Skip(err)
			}
			for _, c := range completions {
				flags := map[string][]string{"bash": {"--norc", "--noprofile"}, "fish": {"--no-config"}, "zsh": {"-f"}}[shell]
				cmd := exec.Command(path, append(flags, "-c", strings.ReplaceAll(driver, "LINE", c.line))...)
				cmd.Env = append(cmd.Environ(), "HOME="+t.TempDir())
				out, err := cmd.CombinedOutput()
				if got := strings.Join(values(string(out)), " "); err != nil || got != c.want {
					t.Errorf("%s: %q, %v; want %q", c.line, got, err, c.want)
				}
			}
		})
	}
}
