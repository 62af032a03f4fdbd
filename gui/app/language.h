// gui/app/language.h - the language of the window's texts.
#pragma once

#include <QString>

class QApplication;

namespace stackyard::gui {

// One by its name ("de", "de_AT"); empty: that of the environment. Without a translation, English.
void setLanguage(QApplication& application, const QString& name);

}  // namespace stackyard::gui
