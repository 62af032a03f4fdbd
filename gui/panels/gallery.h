// gui/panels/gallery.h - the scenarios, with pictures: what the first start shows.
#pragma once

#include <QListWidget>

namespace stackyard::gui {

class Gallery final : public QListWidget {
  Q_OBJECT
 public:
  explicit Gallery(QWidget* parent = nullptr);
  // Where the scenarios are: beside the program's build or in its installed share; empty: nowhere.
  static QString folder();

 protected:
  void keyPressEvent(QKeyEvent* event) override;

 signals:
  void chosen(const QString& file);
};

}  // namespace stackyard::gui
