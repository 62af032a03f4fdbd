#include "userland/lib/options.h"

#include "core/base/text.h"

namespace stackyard {

Options::Options(const Args& args, std::string_view letters) {
  size_t at = 1;
  for (; at < args.size(); ++at) {
    const std::string& word = args[at];
    if (word.size() < 2 || word[0] != '-') break;
    if (word == "--") {
      ++at;
      break;
    }
    for (size_t i = 1; i < word.size(); ++i) {
      const char letter = word[i];
      const size_t known = letter == ':' ? letters.npos : letters.find(letter);
      if (known == letters.npos) {
        error_ = text("illegal option -- {}", letter);
        return;
      }
      if (known + 1 >= letters.size() || letters[known + 1] != ':') {
        values_[letter].push_back("");
        continue;
      }
      if (i + 1 < word.size()) {
        values_[letter].push_back(word.substr(i + 1));
      } else if (at + 1 < args.size()) {
        values_[letter].push_back(args[++at]);
      } else {
        error_ = text("option requires an argument -- {}", letter);
        return;
      }
      break;
    }
  }
  rest_.assign(args.begin() + long(at), args.end());
}

std::string Options::value(char letter, const std::string& otherwise) const {
  const auto found = values_.find(letter);
  return found == values_.end() ? otherwise : found->second.back();
}

size_t Options::count(char letter) const {
  const auto found = values_.find(letter);
  return found == values_.end() ? 0 : found->second.size();
}

std::string Options::read_numbers(std::span<const Number> numbers) const {
  for (const Number& n : numbers) {
    if (!has(n.letter)) continue;
    const auto number = parse_int(value(n.letter));
    if (!number || *number < n.least || *number > n.most)
      return text("invalid value for -{}: `{}'", n.letter, value(n.letter));
    n.to = *number;
  }
  return "";
}

std::optional<SimTime> parse_seconds(const std::string& s) {
  const auto nano = parse_decimal_nano(s);
  if (!nano) return std::nullopt;
  return SimTime(*nano);
}

std::optional<int64_t> parse_scaled(std::string word, int64_t unit) {
  constexpr std::string_view units = "KMGT";
  constexpr int64_t nano = 1'000'000'000;
  const size_t at = word.empty() ? units.npos : units.find(char(word.back() & ~0x20));
  __int128 scale = 1;
  if (at != units.npos) {
    for (size_t i = 0; i <= at; ++i) scale *= unit;
    word.pop_back();
  }
  const auto number = parse_decimal_nano(word);
  if (!number || *number * scale / nano > INT64_MAX) return std::nullopt;
  return int64_t(*number * scale / nano);
}

Task<int> bad_usage(Sys& sys, const Command& command, std::string error, int status) {
  if (!error.empty()) co_await sys.complain(error);
  co_return co_await sys.usage(command, status);
}

std::string host_name(Sys&, const std::string& hosts, const IpAddress& address) {
  const std::string wanted = to_text(address);
  for (const std::string& line : split(hosts, '\n')) {
    const auto words = split_words(line.substr(0, line.find('#')));
    if (words.size() > 1 && words[0] == wanted) return words[1];
  }
  return wanted;
}

std::string milliseconds(SimTime duration) {
  const int64_t us = duration.ns() / 1000;
  return text("{}.{:03}", us / 1000, us % 1000);
}

}  // namespace stackyard
