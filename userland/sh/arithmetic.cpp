#include <cctype>
#include <functional>

#include "core/base/text.h"
#include "userland/sh/shell.h"

namespace stackyard {

namespace {

// Recursive descent over `expression`; a failure empties `ok_`.
class Arithmetic {
 public:
  Arithmetic(const std::string& s, const std::function<std::string(const std::string&)>& variable)
      : s_(s), variable_(variable) {}

  std::optional<int64_t> value() {
    const int64_t result = comparison();
    skip();
    if (!ok_ || at_ != s_.size()) return std::nullopt;
    return result;
  }

 private:
  void skip() {
    while (at_ < s_.size() && std::isspace(static_cast<unsigned char>(s_[at_]))) ++at_;
  }
  bool take(std::string_view op) {
    skip();
    if (s_.compare(at_, op.size(), op) != 0) return false;
    at_ += op.size();
    return true;
  }
  int64_t comparison() {
    int64_t left = sum();
    for (;;) {
      if (take("=="))
        left = left == sum();
      else if (take("!="))
        left = left != sum();
      else if (take("<="))
        left = left <= sum();
      else if (take(">="))
        left = left >= sum();
      else if (take("<"))
        left = left < sum();
      else if (take(">"))
        left = left > sum();
      else
        return left;
    }
  }
  int64_t sum() {
    int64_t left = product();
    for (;;) {
      if (take("+"))
        left = int64_t(uint64_t(left) + uint64_t(product()));
      else if (take("-"))
        left = int64_t(uint64_t(left) - uint64_t(product()));
      else
        return left;
    }
  }
  int64_t product() {
    int64_t left = factor();
    for (;;) {
      if (take("*")) {
        left = int64_t(uint64_t(left) * uint64_t(factor()));
      } else if (take("/") || take("%")) {
        const bool divide = s_[at_ - 1] == '/';
        const int64_t right = factor();
        if (right == 0 || right == -1) {
          ok_ &= right != 0;
          left = divide ? int64_t(-uint64_t(left)) : 0;
        } else {
          left = divide ? left / right : left % right;
        }
      } else {
        return left;
      }
    }
  }
  int64_t factor() {
    if (take("-")) return int64_t(-uint64_t(factor()));
    if (take("(")) {
      const int64_t inner = comparison();
      ok_ &= take(")");
      return inner;
    }
    skip();
    const size_t begin = at_;
    while (at_ < s_.size() && (std::isalnum(static_cast<unsigned char>(s_[at_])) || s_[at_] == '_'))
      ++at_;
    const std::string word = s_.substr(begin, at_ - begin);
    if (const auto number = parse_int(word)) return *number;
    ok_ &= !word.empty() && !std::isdigit(static_cast<unsigned char>(word[0]));
    return parse_int(variable_(word)).value_or(0);
  }

  const std::string& s_;
  const std::function<std::string(const std::string&)>& variable_;
  size_t at_ = 0;
  bool ok_ = true;
};

}  // namespace

std::optional<int64_t> arithmetic(const std::string& expression,
                                  const std::function<std::string(const std::string&)>& variable) {
  return Arithmetic(expression, variable).value();
}

}  // namespace stackyard
