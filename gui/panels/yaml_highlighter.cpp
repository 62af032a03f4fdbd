#include "gui/panels/yaml_highlighter.h"

#include <QRegularExpression>

namespace stackyard::gui {

namespace {

struct Inks {
  QColor key, text, figure, comment, sign;
};

Inks inks(bool dark) {
  if (dark)
    return {QColor(0x56, 0xb4, 0xe9), QColor(0x6f, 0xd0, 0xa8), QColor(0xf0, 0xb4, 0x4c),
            QColor(0x8a, 0x90, 0x9a), QColor(0xcc, 0x99, 0xc0)};
  return {QColor(0x00, 0x5a, 0x8e), QColor(0x00, 0x6e, 0x50), QColor(0x9a, 0x48, 0x00),
          QColor(0x76, 0x7c, 0x86), QColor(0x8a, 0x3a, 0x70)};
}

constexpr int outside = -1;  // of a block text; else its parent's indentation

}  // namespace

YamlHighlighter::YamlHighlighter(QTextDocument* document, bool dark)
    : QSyntaxHighlighter(document), dark_(dark) {}

void YamlHighlighter::setDark(bool dark) {
  dark_ = dark;
  rehighlight();
}

void YamlHighlighter::highlightBlock(const QString& line) {
  const Inks ink = inks(dark_);
  const auto colour = [](const QColor& foreground, bool bold = false) {
    QTextCharFormat format;
    format.setForeground(foreground);
    if (bold) format.setFontWeight(QFont::DemiBold);
    return format;
  };
  int indent = 0;
  while (indent < line.size() && line[indent] == QLatin1Char(' ')) ++indent;
  const int in_block = previousBlockState();
  if (in_block != outside && (indent == line.size() || indent > in_block)) {
    setFormat(0, int(line.size()), colour(ink.text));
    setCurrentBlockState(in_block);
    return;
  }
  setCurrentBlockState(outside);
  static const QRegularExpression token(QStringLiteral(
      R"((?<comment>(?:^|\s)#.*$)|(?<quoted>"(?:[^"\\]|\\.)*"|'(?:[^']|'')*')(?=\s*:?)|)"
      R"((?<key>[A-Za-z0-9_./$\{][^\s:,\[\]\{\}#]*)(?=\s*:(?:\s|$))|)"
      R"((?<![\w.])(?<figure>-?\d[\w.%:/]*)(?![\w])|(?<sign>[&*][A-Za-z]\w*|\$\{\w+\}|[\[\]{},]))"));
  for (auto it = token.globalMatch(line); it.hasNext();) {
    const auto match = it.next();
    const auto paint = [&](const char* name, const QTextCharFormat& format) {
      const int at = int(match.capturedStart(QLatin1String(name)));
      if (at >= 0) setFormat(at, int(match.capturedLength(QLatin1String(name))), format);
    };
    paint("comment", colour(ink.comment));
    paint("quoted", colour(ink.text));
    paint("key", colour(ink.key, true));
    paint("figure", colour(ink.figure));
    paint("sign", colour(ink.sign));
  }
  static const QRegularExpression block(
      QStringLiteral(R"([:-]\s+(&\w+\s+)?[|>][+-]?\d?\s*(#.*)?$)"));
  if (block.match(line).hasMatch()) {
    // The key behind a dash is what the text has to be indented by more than.
    while (indent < line.size() &&
           (line[indent] == QLatin1Char('-') || line[indent] == QLatin1Char(' ')) &&
           line.indexOf(QLatin1Char(':'), indent) > 0)
      ++indent;
    setCurrentBlockState(indent);
  }
}

}  // namespace stackyard::gui
