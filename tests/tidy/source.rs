//! A source file cut into words, each with its line, its module and whether it is test code.
//!
//! Comments, strings, numbers and lifetimes are left out: the rules are about names. This is no Rust
//! parser; it knows just enough of attributes, `mod` and braces to follow the scopes.

/// One name or punctuation mark; `::` is one mark.
#[derive(Debug)]
pub(crate) struct Token {
    pub(crate) text: String,
    /// Counted from 1.
    pub(crate) line: usize,
    /// The module it stands in, from the crate root.
    pub(crate) module: Vec<String>,
    /// It is compiled only for tests.
    pub(crate) is_test: bool,
}

/// A Rust file of this repository.
#[derive(Debug)]
pub(crate) struct Source {
    /// From the repository's root, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
    pub(crate) tokens: Vec<Token>,
    /// Modules in files of their own that `#[cfg(test)] mod name;` declares.
    pub(crate) test_modules: Vec<Vec<String>>,
}

impl Source {
    pub(crate) fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        let (path, text) = (path.into(), text.into());
        let module = module_of(&path);
        let mut scopes = Scopes::new(module);
        let tokens = scopes.mark(words(&text));
        Self { path, text, tokens, test_modules: scopes.test_modules }
    }

    /// The module that the file is: `src/live/held.rs` is `live::held`.
    pub(crate) fn module(&self) -> Vec<String> {
        module_of(&self.path)
    }

    /// The text of token `index`; empty outside the file, so that neighbours may be asked for freely.
    pub(crate) fn word(&self, index: Option<usize>) -> &str {
        index.and_then(|index| self.tokens.get(index)).map_or("", |token| &token.text)
    }
}

fn module_of(path: &str) -> Vec<String> {
    let path = path.strip_prefix("src/").unwrap_or(path).trim_end_matches(".rs");
    let mut module: Vec<String> = path.split('/').map(String::from).collect();
    if matches!(module.last().map(String::as_str), Some("lib" | "mod" | "main")) {
        module.pop();
    }
    module
}

/// The words of `text` with their lines.
fn words(text: &str) -> Vec<(String, usize)> {
    let chars: Vec<char> = text.chars().collect();
    let at = |index: usize| chars.get(index).copied().unwrap_or('\0');
    let mut words = Vec::new();
    let (mut index, mut line) = (0, 1);
    while index < chars.len() {
        let start = index;
        let first = at(index);
        match (first, at(index + 1)) {
            ('/', '/') => {
                while index < chars.len() && at(index) != '\n' {
                    index += 1;
                }
            }
            ('/', '*') => index = end_of_block_comment(&chars, index),
            ('"', _) | ('\'', '\\') => index = end_of_quoted(&chars, index),
            ('\'', _) if at(index + 2) == '\'' => index += 3,
            ('\'', _) => index = end_of_word(&chars, index + 1),
            (':', ':') => {
                words.push(("::".to_owned(), line));
                index += 2;
            }
            _ if first.is_numeric() => index = end_of_word(&chars, index),
            _ if is_word(first) => {
                index = end_of_word(&chars, index);
                let word: String = chars[start..index].iter().collect();
                let raw =
                    at(index) == '"' || (at(index) == '#' && matches!(at(index + 1), '"' | '#'));
                if matches!(word.as_str(), "r" | "br" | "cr") && raw {
                    index = end_of_raw_string(&chars, index);
                } else if word == "r" && at(index) == '#' && is_word(at(index + 1)) {
                    index += 1;
                } else if !(matches!(word.as_str(), "b" | "c") && matches!(at(index), '"' | '\'')) {
                    words.push((word, line));
                }
            }
            _ => {
                if !first.is_whitespace() {
                    words.push((first.to_string(), line));
                }
                index += 1;
            }
        }
        line += chars[start..index.min(chars.len())].iter().filter(|char| **char == '\n').count();
    }
    words
}

fn is_word(char: char) -> bool {
    char.is_alphanumeric() || char == '_'
}

fn end_of_word(chars: &[char], mut index: usize) -> usize {
    while chars.get(index).is_some_and(|char| is_word(*char)) {
        index += 1;
    }
    index
}

/// Past the closing quote that is like the one at `index`; a backslash covers what follows it.
fn end_of_quoted(chars: &[char], index: usize) -> usize {
    let quote = chars[index];
    let mut index = index + 1;
    while index < chars.len() && chars[index] != quote {
        index += if chars[index] == '\\' { 2 } else { 1 };
    }
    index + 1
}

/// `index` is at the first `#` or at the quote.
fn end_of_raw_string(chars: &[char], index: usize) -> usize {
    let hashes = chars[index..].iter().take_while(|char| **char == '#').count();
    let mut index = index + hashes + 1;
    while index < chars.len() {
        let closing =
            chars[index + 1..].iter().take(hashes).take_while(|char| **char == '#').count();
        if chars[index] == '"' && closing == hashes {
            return index + 1 + hashes;
        }
        index += 1;
    }
    index
}

fn end_of_block_comment(chars: &[char], mut index: usize) -> usize {
    let mut depth = 0;
    while index < chars.len() {
        match (chars[index], chars.get(index + 1)) {
            ('/', Some('*')) => (depth, index) = (depth + 1, index + 2),
            ('*', Some('/')) => (depth, index) = (depth - 1, index + 2),
            _ => index += 1,
        }
        if depth == 0 {
            break;
        }
    }
    index
}

/// Follows braces, `mod` and test attributes through a file.
struct Scopes {
    file_module: Vec<String>,
    /// Open braces: the module one opens, if it does, and whether it holds test code.
    braces: Vec<(Option<String>, bool)>,
    /// Open round and square brackets.
    brackets: usize,
    /// A test attribute was read and its item is not over: (braces, brackets) open where it stood.
    pending: Option<(usize, usize)>,
    file_is_test: bool,
    test_modules: Vec<Vec<String>>,
}

impl Scopes {
    fn new(file_module: Vec<String>) -> Self {
        Self {
            file_module,
            braces: Vec::new(),
            brackets: 0,
            pending: None,
            file_is_test: false,
            test_modules: Vec::new(),
        }
    }

    fn mark(&mut self, words: Vec<(String, usize)>) -> Vec<Token> {
        let texts: Vec<String> = words.iter().map(|(text, _)| text.clone()).collect();
        let word = |index: usize| texts.get(index).map_or("", String::as_str);
        let mut tokens = Vec::new();
        let mut after_attribute = 0;
        for (index, (text, line)) in words.into_iter().enumerate() {
            if text == "#" {
                let inner = word(index + 1) == "!";
                let open = index + 1 + usize::from(inner);
                if word(open) == "[" {
                    after_attribute = end_of_attribute(&texts, open) + 1;
                    if is_test_attribute(
                        texts.get(open + 1..after_attribute - 1).unwrap_or_default(),
                    ) {
                        if inner {
                            self.file_is_test |= self.braces.is_empty();
                        } else {
                            self.pending.get_or_insert((self.braces.len(), self.brackets));
                        }
                    }
                }
            }
            if index >= after_attribute {
                self.enter(&text, index, &word);
            }
            tokens.push(Token {
                text: text.clone(),
                line,
                module: self.module(),
                is_test: self.is_test(),
            });
            if index >= after_attribute {
                self.leave(&text);
            }
        }
        tokens
    }

    fn module(&self) -> Vec<String> {
        let inner = self.braces.iter().filter_map(|(module, _)| module.clone());
        self.file_module.iter().cloned().chain(inner).collect()
    }

    fn is_test(&self) -> bool {
        self.file_is_test || self.pending.is_some() || self.braces.iter().any(|(_, test)| *test)
    }

    /// What `text` opens holds for itself and what follows.
    fn enter<'a>(&mut self, text: &str, index: usize, word: &impl Fn(usize) -> &'a str) {
        match text {
            "(" | "[" => self.brackets += 1,
            "{" => {
                let is_module = index >= 2 && word(index - 2) == "mod";
                let module = is_module.then(|| word(index - 1).to_owned());
                let is_test = self.pending.take().is_some();
                self.braces.push((module, is_test));
            }
            "mod" if word(index + 2) == ";" && self.is_test() => {
                let mut module = self.module();
                module.push(word(index + 1).to_owned());
                self.test_modules.push(module);
            }
            _ => {}
        }
    }

    /// What `text` closes held for itself still.
    fn leave(&mut self, text: &str) {
        match text {
            ")" | "]" => self.brackets = self.brackets.saturating_sub(1),
            "}" => {
                self.braces.pop();
                self.pending = self.pending.filter(|(braces, _)| *braces <= self.braces.len());
            }
            ";" => self.pending = self.pending.filter(|(_, brackets)| *brackets < self.brackets),
            _ => {}
        }
    }
}

/// The index of the `]` that closes the `[` at `open`.
fn end_of_attribute(words: &[String], open: usize) -> usize {
    let mut depth = 0_usize;
    for (index, word) in words.iter().enumerate().skip(open) {
        match word.as_str() {
            "[" => depth += 1,
            "]" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return index;
        }
    }
    words.len().saturating_sub(1)
}

/// `#[test]`, or a `cfg` that holds in no other build.
fn is_test_attribute(words: &[String]) -> bool {
    let has = |name: &str| words.iter().any(|word| word == name);
    match words.first().map(String::as_str) {
        Some("cfg") => has("test") && !has("not") && !has("any"),
        _ => words.last().is_some_and(|word| word == "test"),
    }
}

mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<String> {
        words(text).into_iter().map(|(word, _)| word).collect()
    }

    /// The lines that hold the word `X` outside test code.
    #[track_caller]
    fn check_live_lines(text: &str, expected: &[usize]) {
        let source = Source::new("src/live.rs", text);
        let live = source.tokens.iter().filter(|token| token.text == "X" && !token.is_test);
        let lines: Vec<_> = live.map(|token| token.line).collect();
        assert_eq!(lines, expected, "{text}");
    }

    #[test]
    fn only_names_and_marks_are_words() {
        let text = "a::b // c\n/* d /* e */ f */ \"g \\\" h\" r#\"i \" j\"# 'k' '\\'' '\"' b'l' &'m n r#type 1.5e3 0xff";
        assert_eq!(texts(text), ["a", "::", "b", "&", "n", "type", "."]);
    }

    #[test]
    fn lines_are_counted_through_strings_and_comments() {
        let words = words("/* 1\n2 */ \"2\n3\" a\n// 4\nb");
        assert_eq!(words, [("a".to_owned(), 3), ("b".to_owned(), 5)]);
    }

    #[test]
    fn modules_are_followed() {
        let source = Source::new("src/live/held.rs", "a mod inner { b { c } } d");
        let module = |name: &str| {
            let token = source.tokens.iter().find(|token| token.text == name).expect(name);
            token.module.join("::")
        };
        assert_eq!(module("a"), "live::held");
        assert_eq!(module("b"), "live::held::inner");
        assert_eq!(module("c"), "live::held::inner");
        assert_eq!(module("d"), "live::held");
        assert_eq!(Source::new("src/lib.rs", "").module(), [""; 0]);
        assert_eq!(Source::new("src/bin/sideman.rs", "").module(), ["bin", "sideman"]);
    }

    #[test]
    fn test_code_is_told_apart() {
        check_live_lines("X\n#[cfg(test)]\nmod tests { X }\nX", &[1, 4]);
        check_live_lines("#[test]\nfn f() { X }\nfn g() { X }", &[3]);
        check_live_lines("#[cfg(test)]\n#[allow(dead_code)]\nfn f(a: [u8; 3]) { X }\nX", &[4]);
        check_live_lines("#[cfg(test)]\nconst A: u8 = X;\nX", &[3]);
        check_live_lines("#[cfg(all(test, unix))]\nuse a::{X, b};\nX", &[3]);
        check_live_lines("struct A {\n#[cfg(test)]\na: X,\nb: u8 }\nX", &[5]);
        check_live_lines("#[cfg(not(test))]\nfn f() { X }", &[2]);
        check_live_lines("#[cfg(any(test, unix))]\nfn f() { X }", &[2]);
        check_live_lines("#[cfg_attr(test, allow(dead_code))]\nfn f() { X }", &[2]);
        check_live_lines("#![cfg(test)]\nX", &[]);
    }

    #[test]
    fn test_modules_in_files_of_their_own_are_known() {
        let source = Source::new("src/live.rs", "mod held;\n#[cfg(test)]\nmod tests;");
        assert_eq!(source.test_modules, [["live", "tests"]]);
    }
}
