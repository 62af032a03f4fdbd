// gui/panels/yaml_highlighter.h - a lab's text in colours: keys, texts, figures, comments.
#pragma once

#include <QSyntaxHighlighter>

namespace stackyard::gui {

class YamlHighlighter final : public QSyntaxHighlighter {
  Q_OBJECT
 public:
  YamlHighlighter(QTextDocument* document, bool dark);
  void setDark(bool dark);

 protected:
  void highlightBlock(const QString& line) override;

 private:
  int plain(const QString& line, int at);
  bool dark_;
};

}  // namespace stackyard::gui
