// userland/sh/syntax.h - the shell's grammar: text to a tree.
#pragma once

#include <memory>
#include <string>
#include <vector>

namespace stackyard {

// Where a command's descriptor leads. `<<` has its document already.
struct Redirect {
  enum class Kind { read, write, append, duplicate, here };
  Kind kind;
  int fd;
  std::string target;    // a word, the number for a duplicate, or the document
  bool literal = false;  // a document whose mark was quoted is not expanded
};

struct ShellNode;
using ShellTree = std::shared_ptr<const ShellNode>;

struct ShellNode {
  enum class Kind {
    simple,
    pipeline,
    both,
    either,
    sequence,
    background,
    negate,
    if_,
    for_,
    while_,
    until,
    group,
    subshell
  };
  Kind kind = Kind::simple;
  std::vector<std::string> words;  // simple: raw words; for_: the variable, then the words
  std::vector<Redirect> redirects;
  std::vector<ShellTree> children;  // if_: condition, then, [condition, then]..., [else]
  bool has_else = false;
};

// A tree, or the error; `incomplete` says that more lines could mend it.
struct ShellParse {
  ShellTree tree;
  std::string error;
  bool incomplete = false;
};
ShellParse parse_shell(const std::string& script);

}  // namespace stackyard
