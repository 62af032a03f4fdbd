// gui/app/theme.h - light and dark.
#pragma once

class QApplication;

namespace stackyard::gui {

void setTheme(QApplication& application, bool dark);

}  // namespace stackyard::gui
