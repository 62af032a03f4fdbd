<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="de_DE" sourcelanguage="en">
<context>
    <name>LinkItem</name>
    <message>
        <source>learns addresses, and forwards soon (spanning tree)</source>
        <translation>lernt Adressen und leitet bald weiter (Spannbaum)</translation>
    </message>
    <message>
        <source>root port: leads to the root of the tree</source>
        <translation>Root-Port: führt zur Wurzel des Baums</translation>
    </message>
    <message>
        <source>alternate port: discards frames, a spare way to the root of the tree</source>
        <translation>Alternate-Port: verwirft Rahmen, ein Ersatzweg zur Wurzel des Baums</translation>
    </message>
    <message>
        <source>backup port: discards frames, a spare for another port of this switch</source>
        <translation>Backup-Port: verwirft Rahmen, Ersatz für einen anderen Port dieses Switches</translation>
    </message>
    <message>
        <source>has no part in the tree: its link is down</source>
        <translation>gehört nicht zum Baum: seine Verbindung ist unterbrochen</translation>
    </message>
    <message>
        <source>designated port: discards frames until its neighbour agrees</source>
        <translation>Designated-Port: verwirft Rahmen, bis sein Nachbar zustimmt</translation>
    </message>
    <message>
        <source>designated port: leads away from the root of the tree</source>
        <translation>Designated-Port: führt von der Wurzel des Baums weg</translation>
    </message>
</context>
<context>
    <name>PaletteBar</name>
    <message>
        <source>Select and move</source>
        <translation>Auswählen und verschieben</translation>
    </message>
    <message>
        <source>Link</source>
        <translation>Verbindung</translation>
    </message>
    <message>
        <source>Host</source>
        <translation>Host</translation>
    </message>
    <message>
        <source>Router</source>
        <translation>Router</translation>
    </message>
    <message>
        <source>Switch</source>
        <translation>Switch</translation>
    </message>
    <message>
        <source>Hub</source>
        <translation>Hub</translation>
    </message>
    <message>
        <source>Jail</source>
        <translation>Jail</translation>
    </message>
    <message>
        <source>Door</source>
        <translation>Tür nach außen</translation>
    </message>
    <message>
        <source>Note</source>
        <translation>Notiz</translation>
    </message>
</context>
<context>
    <name>QObject</name>
    <message>
        <source>%1 from %2</source>
        <translation>%1 von %2</translation>
    </message>
    <message>
        <source>queue of %1</source>
        <translation>Warteschlange von %1</translation>
    </message>
    <message>
        <source>packets</source>
        <translation>Pakete</translation>
    </message>
    <message>
        <source>lost on %1 from %2</source>
        <translation>verloren auf %1 von %2</translation>
    </message>
    <message>
        <source>drops at the queue of %1</source>
        <translation>an der Warteschlange von %1 verworfen</translation>
    </message>
    <message>
        <source>packets/s</source>
        <translation>Pakete/s</translation>
    </message>
    <message>
        <source>delay from %1 to %2</source>
        <translation>Verzögerung von %1 bis %2</translation>
    </message>
</context>
<context>
    <name>main</name>
    <message>
        <source>%1 of %2</source>
        <translation>%1 von %2</translation>
    </message>
    <message>
        <source>Draws a lab, runs it, looks inside every stack.</source>
        <translation>Zeichnet ein Labor, lässt es laufen und schaut in jeden Netzwerk-Stack hinein.</translation>
    </message>
    <message>
        <source>the lab file</source>
        <translation>die Labordatei</translation>
    </message>
    <message>
        <source>run until this time first</source>
        <translation>vorher bis zu dieser Zeit laufen lassen</translation>
    </message>
    <message>
        <source>save a picture of the window and end</source>
        <translation>ein Bild des Fensters speichern und enden</translation>
    </message>
    <message>
        <source>dark theme</source>
        <translation>dunkles Design</translation>
    </message>
    <message>
        <source>of the window</source>
        <translation>Größe des Fensters</translation>
    </message>
    <message>
        <source>of the texts, as “de”; otherwise that of the environment</source>
        <translation>Sprache der Texte, etwa „de“; sonst die der Umgebung</translation>
    </message>
</context>
<context>
    <name>stackyard::gui::CanvasEditor</name>
    <message>
        <source>moving</source>
        <translation>Verschieben</translation>
    </message>
    <message>
        <source>aligning</source>
        <translation>Ausrichten</translation>
    </message>
    <message>
        <source>distributing</source>
        <translation>Verteilen</translation>
    </message>
    <message>
        <source>layout</source>
        <translation>Neuanordnung</translation>
    </message>
    <message>
        <source>%1 was made by a command: the file does not know it</source>
        <translation>%1 wurde durch einen Befehl angelegt: die Datei kennt das nicht</translation>
    </message>
    <message>
        <source>A jail is inside a machine: click on one</source>
        <translation>Ein Jail liegt in einem Rechner: klicken Sie auf einen</translation>
    </message>
    <message>
        <source>a jail</source>
        <translation>Jail</translation>
    </message>
    <message>
        <source>a %1</source>
        <translation>%1</translation>
    </message>
    <message>
        <source>a note</source>
        <translation>Notiz</translation>
    </message>
    <message>
        <source>a note's text</source>
        <translation>Text einer Notiz</translation>
    </message>
    <message>
        <source>a link</source>
        <translation>Verbindung</translation>
    </message>
    <message>
        <source>links</source>
        <translation>Verbindungen</translation>
    </message>
    <message>
        <source>deleting</source>
        <translation>Löschen</translation>
    </message>
    <message>
        <source>renaming %1</source>
        <translation>Umbenennen von %1</translation>
    </message>
    <message>
        <source>renaming a link</source>
        <translation>Umbenennen einer Verbindung</translation>
    </message>
    <message>
        <source>The clipboard has no part of a lab</source>
        <translation>In der Zwischenablage ist kein Teil eines Labors</translation>
    </message>
    <message>
        <source>pasting</source>
        <translation>Einfügen</translation>
    </message>
    <message>
        <source>generating</source>
        <translation>Erzeugen</translation>
    </message>
</context>
<context>
    <name>stackyard::gui::ConsolePanel</name>
    <message>
        <source>Console of %1</source>
        <translation>Konsole von %1</translation>
    </message>
    <message>
        <source>%1 nodes</source>
        <translation>%1 Knoten</translation>
    </message>
    <message>
        <source>Save transcript</source>
        <translation>Mitschrift speichern</translation>
    </message>
    <message>
        <source>Text files (*.txt)</source>
        <translation>Textdateien (*.txt)</translation>
    </message>
</context>
<context>
    <name>stackyard::gui::Gallery</name>
    <message>
        <source>Scenarios</source>
        <translation>Szenarien</translation>
    </message>
</context>
<context>
    <name>stackyard::gui::LabClient</name>
    <message>
        <source>%1: the name is too long</source>
        <translation>%1: der Name ist zu lang</translation>
    </message>
    <message>
        <source>%1: %2</source>
        <translation>%1: %2</translation>
    </message>
</context>
<context>
    <name>stackyard::gui::LabDocument</name>
    <message>
        <source>typing</source>
        <translation>Eingabe</translation>
    </message>
    <message>
        <source>This cannot be done</source>
        <translation>Das geht nicht</translation>
    </message>
    <message>
        <source>unsaved work</source>
        <translation>nicht gespeicherte Arbeit</translation>
    </message>
</context>
<context>
    <name>stackyard::gui::LabEditor</name>
    <message>
        <source>The lab's text</source>
        <translation>Der Text des Labors</translation>
    </message>
</context>
<context>
    <name>stackyard::gui::LabView</name>
    <message>
        <source>Topology</source>
        <translation>Topologie</translation>
    </message>
</context>
<context>
    <name>stackyard::gui::LadderPanel</name>
    <message>
        <source>PNG…</source>
        <translation>PNG …</translation>
    </message>
    <message>
        <source>Save the ladder</source>
        <translation>Sequenzdiagramm speichern</translation>
    </message>
    <message>
        <source>Pictures (*.png)</source>
        <translation>Bilder (*.png)</translation>
    </message>
    <message>
        <source>Save</source>
        <translation>Speichern</translation>
    </message>
    <message>
        <source>%1 cannot be written</source>
        <translation>%1 lässt sich nicht schreiben</translation>
    </message>
    <message>
        <source>Right click on a packet, Ladder: its conversation is drawn here.</source>
        <translation>Rechtsklick auf ein Paket, „Sequenzdiagramm“: seine Unterhaltung wird hier gezeichnet.</translation>
    </message>
    <message numerus="yes">
        <source>%1: %n frames</source>
        <translation>
            <numerusform>%1: %n Frame</numerusform>
            <numerusform>%1: %n Frames</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>stackyard::gui::LadderView</name>
    <message>
        <source>Ladder diagram</source>
        <translation>Sequenzdiagramm</translation>
    </message>
</context>
<context>
    <name>stackyard::gui::LessonPanel</name>
    <message>
        <source>pending</source>
        <translation>offen</translation>
    </message>
    <message>
        <source>pass</source>
        <translation>bestanden</translation>
    </message>
    <message>
        <source>fail</source>
        <translation>nicht bestanden</translation>
    </message>
    <message>
        <source>not reached</source>
        <translation>nicht erreicht</translation>
    </message>
    <message>
        <source>Lesson</source>
        <translation>Lektion</translation>
    </message>
    <message>
        <source>Check</source>
        <translation>Prüfung</translation>
    </message>
    <message>
        <source>Points</source>
        <translation>Punkte</translation>
    </message>
    <message>
        <source>Verdict</source>
        <translation>Ergebnis</translation>
    </message>
    <message>
        <source>At</source>
        <translation>Zeit</translation>
    </message>
    <message>
        <source>Checks</source>
        <translation>Prüfungen</translation>
    </message>
    <message>
        <source>Next hint</source>
        <translation>Nächster Hinweis</translation>
    </message>
    <message>
        <source>A click, or Enter, shows what decided a check</source>
        <translation>Ein Klick oder die Eingabetaste zeigt, was eine Prüfung entschieden hat</translation>
    </message>
    <message>
        <source>*This lab has no lesson.*</source>
        <translation>*Dieses Labor hat keine Lektion.*</translation>
    </message>
    <message>
        <source>no more hints</source>
        <translation>keine weiteren Hinweise</translation>
    </message>
    <message>
        <source>%1 of %2 points</source>
        <translation>%1 von %2 Punkten</translation>
    </message>
</context>
<context>
    <name>stackyard::gui::LiveCapture</name>
    <message>
        <source>%1 cannot be started: is it installed? The packets can be saved instead.</source>
        <translation>%1 lässt sich nicht starten: ist es installiert? Die Pakete lassen sich stattdessen speichern.</translation>
    </message>
</context>
<context>
    <name>stackyard::gui::LiveLab</name>
    <message>
        <source>addresses of %1</source>
        <translation>Adressen von %1</translation>
    </message>
</context>
<context>
    <name>stackyard::gui::MainWindow</name>
    <message>
        <source>Restart the lab</source>
        <translation>Labor neu starten</translation>
    </message>
    <message>
        <source>Take it up again</source>
        <translation>Wiederaufnehmen</translation>
    </message>
    <message>
        <source>Discard it</source>
        <translation>Verwerfen</translation>
    </message>
    <message>
        <source>Stackyard</source>
        <translation>Stackyard</translation>
    </message>
    <message>
        <source>Find a name or an address</source>
        <translation>Name oder Adresse suchen</translation>
    </message>
    <message>
        <source>Search</source>
        <translation>Suche</translation>
    </message>
    <message>
        <source>Lesson</source>
        <translation>Lektion</translation>
    </message>
    <message>
        <source>Packets</source>
        <translation>Pakete</translation>
    </message>
    <message>
        <source>Consoles</source>
        <translation>Konsolen</translation>
    </message>
    <message>
        <source>Plot</source>
        <translation>Diagramm</translation>
    </message>
    <message>
        <source>Ladder</source>
        <translation>Sequenzdiagramm</translation>
    </message>
    <message>
        <source>Properties</source>
        <translation>Eigenschaften</translation>
    </message>
    <message numerus="yes">
        <source>%n found</source>
        <translation>
            <numerusform>%n gefunden</numerusform>
            <numerusform>%n gefunden</numerusform>
        </translation>
    </message>
    <message>
        <source>The lab has cut this window off.</source>
        <translation>Das Labor hat die Verbindung zu diesem Fenster getrennt.</translation>
    </message>
    <message>
        <source>The running lab is what it was before: %1. A restart takes it.</source>
        <translation>Das laufende Labor kennt diese Änderung noch nicht: %1. Ein Neustart übernimmt sie.</translation>
    </message>
    <message>
        <source>There is unsaved work on this lab, from an earlier time.</source>
        <translation>Zu diesem Labor gibt es nicht gespeicherte Arbeit von früher.</translation>
    </message>
    <message>
        <source>new lab</source>
        <translation>neues Labor</translation>
    </message>
    <message>
        <source>%1%2 – Stackyard</source>
        <translation>%1%2 – Stackyard</translation>
    </message>
    <message>
        <source>• </source>
        <translation>• </translation>
    </message>
    <message>
        <source>Ctrl+Return gives it to the running lab</source>
        <translation>Strg+Eingabe übergibt es dem laufenden Labor</translation>
    </message>
    <message>
        <source>The text has mistakes; mend them first.</source>
        <translation>Der Text enthält Fehler; beheben Sie sie zuerst.</translation>
    </message>
    <message>
        <source>The lab has ended. %1</source>
        <translation>Das Labor hat sich beendet. %1</translation>
    </message>
    <message>
        <source>&amp;Node</source>
        <translation>&amp;Knoten</translation>
    </message>
    <message>
        <source>&amp;Command on the selected ones…</source>
        <translation>&amp;Befehl auf den ausgewählten …</translation>
    </message>
    <message>
        <source>&amp;Save the console's transcript…</source>
        <translation>&amp;Mitschrift der Konsole speichern …</translation>
    </message>
    <message>
        <source>&amp;File</source>
        <translation>&amp;Datei</translation>
    </message>
    <message>
        <source>&amp;New</source>
        <translation>&amp;Neu</translation>
    </message>
    <message>
        <source>&amp;Open…</source>
        <translation>Ö&amp;ffnen …</translation>
    </message>
    <message>
        <source>Open a lab</source>
        <translation>Labor öffnen</translation>
    </message>
    <message>
        <source>Labs (*.yaml *.yml)</source>
        <translation>Labore (*.yaml *.yml)</translation>
    </message>
    <message>
        <source>&amp;Save</source>
        <translation>&amp;Speichern</translation>
    </message>
    <message>
        <source>Save &amp;as…</source>
        <translation>Speichern &amp;unter …</translation>
    </message>
    <message>
        <source>S&amp;cenarios</source>
        <translation>S&amp;zenarien</translation>
    </message>
    <message>
        <source>&amp;Restart the lab</source>
        <translation>Labor neu sta&amp;rten</translation>
    </message>
    <message>
        <source>&amp;Export the canvas…</source>
        <translation>Zeichenfläche e&amp;xportieren …</translation>
    </message>
    <message>
        <source>Export the canvas</source>
        <translation>Zeichenfläche exportieren</translation>
    </message>
    <message>
        <source>Pictures (*.png *.svg *.pdf)</source>
        <translation>Bilder (*.png *.svg *.pdf)</translation>
    </message>
    <message>
        <source>Export</source>
        <translation>Export</translation>
    </message>
    <message>
        <source>&amp;Quit</source>
        <translation>&amp;Beenden</translation>
    </message>
    <message>
        <source>&amp;Edit</source>
        <translation>&amp;Bearbeiten</translation>
    </message>
    <message>
        <source>&amp;Undo</source>
        <translation>&amp;Rückgängig</translation>
    </message>
    <message>
        <source>&amp;Redo</source>
        <translation>&amp;Wiederholen</translation>
    </message>
    <message>
        <source>Cu&amp;t</source>
        <translation>&amp;Ausschneiden</translation>
    </message>
    <message>
        <source>&amp;Copy</source>
        <translation>&amp;Kopieren</translation>
    </message>
    <message>
        <source>&amp;Paste</source>
        <translation>&amp;Einfügen</translation>
    </message>
    <message>
        <source>&amp;Duplicate</source>
        <translation>&amp;Duplizieren</translation>
    </message>
    <message>
        <source>De&amp;lete</source>
        <translation>&amp;Löschen</translation>
    </message>
    <message>
        <source>Re&amp;name…</source>
        <translation>&amp;Umbenennen …</translation>
    </message>
    <message>
        <source>Select &amp;all</source>
        <translation>Alle&amp;s auswählen</translation>
    </message>
    <message>
        <source>Lin&amp;k the selected</source>
        <translation>Ausgewählte &amp;verbinden</translation>
    </message>
    <message>
        <source>&amp;Give the text to the running lab</source>
        <translation>&amp;Text dem laufenden Labor übergeben</translation>
    </message>
    <message>
        <source>&amp;Arrange</source>
        <translation>&amp;Anordnen</translation>
    </message>
    <message>
        <source>&amp;Insert</source>
        <translation>&amp;Einfügen</translation>
    </message>
    <message>
        <source>&amp;Host</source>
        <translation>&amp;Host</translation>
    </message>
    <message>
        <source>&amp;Router</source>
        <translation>&amp;Router</translation>
    </message>
    <message>
        <source>&amp;Switch</source>
        <translation>&amp;Switch</translation>
    </message>
    <message>
        <source>H&amp;ub</source>
        <translation>H&amp;ub</translation>
    </message>
    <message>
        <source>&amp;Jail</source>
        <translation>&amp;Jail</translation>
    </message>
    <message>
        <source>&amp;Door</source>
        <translation>&amp;Tür nach außen</translation>
    </message>
    <message>
        <source>&amp;Note</source>
        <translation>&amp;Notiz</translation>
    </message>
    <message>
        <source>&amp;Generate</source>
        <translation>Er&amp;zeugen</translation>
    </message>
    <message>
        <source>&amp;Chain…</source>
        <translation>&amp;Kette …</translation>
    </message>
    <message>
        <source>&amp;Ring…</source>
        <translation>&amp;Ring …</translation>
    </message>
    <message>
        <source>&amp;Star…</source>
        <translation>&amp;Stern …</translation>
    </message>
    <message>
        <source>&amp;Tree…</source>
        <translation>&amp;Baum …</translation>
    </message>
    <message>
        <source>&amp;Mesh…</source>
        <translation>&amp;Vollvermaschung …</translation>
    </message>
    <message>
        <source>&amp;Align</source>
        <translation>&amp;Ausrichten</translation>
    </message>
    <message>
        <source>&amp;Left</source>
        <translation>&amp;Links</translation>
    </message>
    <message>
        <source>&amp;Centre</source>
        <translation>&amp;Waagerecht mittig</translation>
    </message>
    <message>
        <source>&amp;Right</source>
        <translation>&amp;Rechts</translation>
    </message>
    <message>
        <source>&amp;Top</source>
        <translation>&amp;Oben</translation>
    </message>
    <message>
        <source>&amp;Middle</source>
        <translation>&amp;Senkrecht mittig</translation>
    </message>
    <message>
        <source>&amp;Bottom</source>
        <translation>&amp;Unten</translation>
    </message>
    <message>
        <source>&amp;Distribute</source>
        <translation>&amp;Verteilen</translation>
    </message>
    <message>
        <source>&amp;Horizontally</source>
        <translation>&amp;Waagerecht</translation>
    </message>
    <message>
        <source>&amp;Vertically</source>
        <translation>&amp;Senkrecht</translation>
    </message>
    <message>
        <source>&amp;Snap to the grid</source>
        <translation>Am &amp;Raster einrasten</translation>
    </message>
    <message>
        <source>La&amp;yout anew</source>
        <translation>&amp;Neu anordnen</translation>
    </message>
    <message>
        <source>&amp;View</source>
        <translation>A&amp;nsicht</translation>
    </message>
    <message>
        <source>&amp;Whole lab</source>
        <translation>&amp;Ganzes Labor</translation>
    </message>
    <message>
        <source>Zoom &amp;in</source>
        <translation>V&amp;ergrößern</translation>
    </message>
    <message>
        <source>Zoom &amp;out</source>
        <translation>Ver&amp;kleinern</translation>
    </message>
    <message>
        <source>&amp;Find</source>
        <translation>&amp;Suchen</translation>
    </message>
    <message>
        <source>&amp;Text beside the canvas</source>
        <translation>&amp;Text neben der Zeichenfläche</translation>
    </message>
    <message>
        <source>&amp;Names</source>
        <translation>&amp;Namen</translation>
    </message>
    <message>
        <source>&amp;Addresses</source>
        <translation>&amp;Adressen</translation>
    </message>
    <message>
        <source>&amp;MAC addresses</source>
        <translation>&amp;MAC-Adressen</translation>
    </message>
    <message>
        <source>&amp;Ports</source>
        <translation>&amp;Ports</translation>
    </message>
    <message>
        <source>&amp;Dark</source>
        <translation>&amp;Dunkel</translation>
    </message>
    <message>
        <source>Save the lab</source>
        <translation>Labor speichern</translation>
    </message>
    <message>
        <source>Labs (*.yaml)</source>
        <translation>Labore (*.yaml)</translation>
    </message>
    <message>
        <source>Unsaved work</source>
        <translation>Nicht gespeicherte Arbeit</translation>
    </message>
    <message>
        <source>The lab has changes that are not saved.</source>
        <translation>Das Labor hat Änderungen, die nicht gespeichert sind.</translation>
    </message>
    <message>
        <source>%1 cannot be written</source>
        <translation>%1 lässt sich nicht schreiben</translation>
    </message>
    <message>
        <source>A note</source>
        <translation>Notiz</translation>
    </message>
    <message>
        <source>What it says</source>
        <translation>Text der Notiz</translation>
    </message>
    <message>
        <source>Generate</source>
        <translation>Erzeugen</translation>
    </message>
    <message>
        <source>How many nodes</source>
        <translation>Anzahl der Knoten</translation>
    </message>
    <message>
        <source>Of which kind</source>
        <translation>Art der Knoten</translation>
    </message>
    <message>
        <source>Select one node or link first</source>
        <translation>Wählen Sie zuerst einen Knoten oder eine Verbindung aus</translation>
    </message>
    <message>
        <source>Rename %1</source>
        <translation>%1 umbenennen</translation>
    </message>
    <message>
        <source>Name</source>
        <translation>Name</translation>
    </message>
    <message>
        <source>Select hosts or routers first</source>
        <translation>Wählen Sie zuerst Hosts oder Router aus</translation>
    </message>
    <message>
        <source>Command on %1</source>
        <translation>Befehl auf %1</translation>
    </message>
    <message>
        <source>Command</source>
        <translation>Befehl</translation>
    </message>
    <message>
        <source>Rename…</source>
        <translation>Umbenennen …</translation>
    </message>
    <message>
        <source>Delete</source>
        <translation>Löschen</translation>
    </message>
    <message>
        <source>Console</source>
        <translation>Konsole</translation>
    </message>
    <message>
        <source>Remove (jail -r)</source>
        <translation>Entfernen (jail -r)</translation>
    </message>
    <message>
        <source>Wireshark, live</source>
        <translation>Wireshark, live</translation>
    </message>
    <message>
        <source>Table: %1</source>
        <translation>Tabelle: %1</translation>
    </message>
    <message>
        <source>Delay from here to</source>
        <translation>Verzögerung von hier bis</translation>
    </message>
    <message>
        <source>the lab</source>
        <translation>das Labor</translation>
    </message>
    <message>
        <source>Of</source>
        <translation>Von</translation>
    </message>
    <message>
        <source>Table</source>
        <translation>Tabelle</translation>
    </message>
    <message>
        <source>This table has no figures now</source>
        <translation>Diese Tabelle enthält derzeit keine Zahlen</translation>
    </message>
    <message>
        <source>Row</source>
        <translation>Zeile</translation>
    </message>
    <message>
        <source>Column</source>
        <translation>Spalte</translation>
    </message>
    <message>
        <source>As</source>
        <translation>Als</translation>
    </message>
    <message>
        <source>its value</source>
        <translation>Wert</translation>
    </message>
    <message>
        <source>its growth a second</source>
        <translation>Zuwachs je Sekunde</translation>
    </message>
    <message>
        <source>Plug in</source>
        <translation>Kabel einstecken</translation>
    </message>
    <message>
        <source>Pull the cable</source>
        <translation>Kabel ziehen</translation>
    </message>
    <message>
        <source>Impair…</source>
        <translation>Störungen …</translation>
    </message>
    <message>
        <source>Impair %1</source>
        <translation>Störungen auf %1</translation>
    </message>
    <message>
        <source>As in a lab file: {delay: 20ms, loss: 1%}</source>
        <translation>Wie in einer Labordatei: {delay: 20ms, loss: 1%}</translation>
    </message>
    <message>
        <source>All links</source>
        <translation>Alle Verbindungen</translation>
    </message>
    <message>
        <source>%1 + %2</source>
        <translation>%1 + %2</translation>
    </message>
    <message>
        <source>No row of this table was as the check wants it</source>
        <translation>Keine Zeile dieser Tabelle war so, wie die Prüfung sie verlangt</translation>
    </message>
    <message>
        <source>The packet is not in the list any more; the filter is the check's</source>
        <translation>Das Paket ist nicht mehr in der Liste; eingestellt ist der Filter der Prüfung</translation>
    </message>
    <message>
        <source>No packet has fitted; the filter is the check's</source>
        <translation>Kein Paket hat gepasst; eingestellt ist der Filter der Prüfung</translation>
    </message>
    <message>
        <source>the check “%1”</source>
        <translation>Prüfung „%1“</translation>
    </message>
</context>
<context>
    <name>stackyard::gui::PacketList</name>
    <message>
        <source>✗ %1: %2</source>
        <translation>✗ %1: %2</translation>
    </message>
    <message>
        <source>No.</source>
        <translation>Nr.</translation>
    </message>
    <message>
        <source>Time</source>
        <translation>Zeit</translation>
    </message>
    <message>
        <source>Where</source>
        <translation>Wo</translation>
    </message>
    <message>
        <source>Length</source>
        <translation>Länge</translation>
    </message>
    <message>
        <source>What</source>
        <translation>Inhalt</translation>
    </message>
</context>
<context>
    <name>stackyard::gui::PacketPanel</name>
    <message>
        <source>Filter, as for tcpdump: icmp or arp</source>
        <translation>Filter wie bei tcpdump: icmp or arp</translation>
    </message>
    <message>
        <source>Clear</source>
        <translation>Leeren</translation>
    </message>
    <message>
        <source>Packets</source>
        <translation>Pakete</translation>
    </message>
    <message>
        <source>Layers</source>
        <translation>Schichten</translation>
    </message>
    <message>
        <source>Octets</source>
        <translation>Bytes</translation>
    </message>
    <message>
        <source>Save…</source>
        <translation>Speichern …</translation>
    </message>
    <message>
        <source>As pcapng</source>
        <translation>Als pcapng</translation>
    </message>
    <message>
        <source>Wireshark</source>
        <translation>Wireshark</translation>
    </message>
    <message>
        <source>Ladder of its conversation</source>
        <translation>Sequenzdiagramm seiner Unterhaltung</translation>
    </message>
    <message>
        <source>Filter for its conversation</source>
        <translation>Nach seiner Unterhaltung filtern</translation>
    </message>
    <message>
        <source>%L1 packets went by unseen: they were too many at once</source>
        <translation>%L1 Pakete liefen ungesehen vorbei: es waren zu viele auf einmal</translation>
    </message>
    <message>
        <source>What happened to it</source>
        <translation>Was mit ihm geschah</translation>
    </message>
    <message>
        <source>✗ died at %1: %2</source>
        <translation>✗ verworfen bei %1: %2</translation>
    </message>
    <message>
        <source>decided by</source>
        <translation>entschieden durch</translation>
    </message>
    <message>
        <source>leaves by %1</source>
        <translation>geht hinaus über %1</translation>
    </message>
    <message>
        <source>Save packets</source>
        <translation>Pakete speichern</translation>
    </message>
    <message>
        <source>Captures (*.pcapng)</source>
        <translation>Mitschnitte (*.pcapng)</translation>
    </message>
    <message>
        <source>wireshark cannot be started; the packets are in %1</source>
        <translation>Wireshark lässt sich nicht starten; die Pakete liegen in %1</translation>
    </message>
</context>
<context>
    <name>stackyard::gui::PaletteBar</name>
    <message>
        <source>Draw</source>
        <translation>Zeichnen</translation>
    </message>
</context>
<context>
    <name>stackyard::gui::PlotPanel</name>
    <message>
        <source>simulated time, s</source>
        <translation>simulierte Zeit, s</translation>
    </message>
    <message>
        <source>Plot</source>
        <translation>Diagramm</translation>
    </message>
    <message>
        <source>every %1</source>
        <translation>alle %1</translation>
    </message>
    <message>
        <source>How often, in simulated time</source>
        <translation>Wie oft, in simulierter Zeit</translation>
    </message>
    <message>
        <source>everything</source>
        <translation>alles</translation>
    </message>
    <message>
        <source>last second</source>
        <translation>letzte Sekunde</translation>
    </message>
    <message>
        <source>last 10 s</source>
        <translation>letzte 10 s</translation>
    </message>
    <message>
        <source>last minute</source>
        <translation>letzte Minute</translation>
    </message>
    <message>
        <source>Add…</source>
        <translation>Hinzufügen …</translation>
    </message>
    <message>
        <source>Remove the last</source>
        <translation>Letztes entfernen</translation>
    </message>
    <message>
        <source>PNG…</source>
        <translation>PNG …</translation>
    </message>
    <message>
        <source>CSV…</source>
        <translation>CSV …</translation>
    </message>
    <message>
        <source>Save the plot</source>
        <translation>Diagramm speichern</translation>
    </message>
    <message>
        <source>Save the values</source>
        <translation>Werte speichern</translation>
    </message>
    <message>
        <source>Pictures (*.png)</source>
        <translation>Bilder (*.png)</translation>
    </message>
    <message>
        <source>Tables (*.csv)</source>
        <translation>Tabellen (*.csv)</translation>
    </message>
    <message>
        <source>Save</source>
        <translation>Speichern</translation>
    </message>
    <message>
        <source>%1 cannot be written</source>
        <translation>%1 lässt sich nicht schreiben</translation>
    </message>
</context>
<context>
    <name>stackyard::gui::PropertyPanel</name>
    <message>
        <source>Key</source>
        <translation>Schlüssel</translation>
    </message>
    <message>
        <source>Value</source>
        <translation>Wert</translation>
    </message>
    <message>
        <source>Properties</source>
        <translation>Eigenschaften</translation>
    </message>
    <message>
        <source>Add…</source>
        <translation>Hinzufügen …</translation>
    </message>
    <message>
        <source>An interface, a route, a file: a name of your own below the chosen key</source>
        <translation>Eine Schnittstelle, eine Route, eine Datei: ein eigener Name unter dem gewählten Schlüssel</translation>
    </message>
    <message>
        <source>Remove</source>
        <translation>Entfernen</translation>
    </message>
    <message>
        <source>The lab</source>
        <translation>Das Labor</translation>
    </message>
    <message>
        <source>Link %1</source>
        <translation>Verbindung %1</translation>
    </message>
    <message>
        <source>%1 %2, and all that are written with it</source>
        <translation>%1 %2, und alle, die mit ihm geschrieben stehen</translation>
    </message>
    <message>
        <source>%1 %2</source>
        <translation>%1 %2</translation>
    </message>
    <message>
        <source>%1 of %2</source>
        <translation>%1 von %2</translation>
    </message>
    <message>
        <source>the lab</source>
        <translation>das Labor</translation>
    </message>
    <message>
        <source>Choose interfaces, sysctl, files or the like first</source>
        <translation>Wählen Sie zuerst interfaces, sysctl, files oder Ähnliches</translation>
    </message>
    <message>
        <source>Add to %1</source>
        <translation>Zu %1 hinzufügen</translation>
    </message>
    <message>
        <source>Name</source>
        <translation>Name</translation>
    </message>
</context>
<context>
    <name>stackyard::gui::RemoteTable</name>
    <message>
        <source>%1 of %2 %3</source>
        <translation>%1 von %2 %3</translation>
    </message>
</context>
<context>
    <name>stackyard::gui::TablePanel</name>
    <message>
        <source>%1 of %2</source>
        <translation>%1 von %2</translation>
    </message>
    <message>
        <source>Filter</source>
        <translation>Filter</translation>
    </message>
    <message>
        <source>CSV…</source>
        <translation>CSV …</translation>
    </message>
    <message>
        <source>Save what is shown</source>
        <translation>Angezeigtes speichern</translation>
    </message>
    <message>
        <source>Copy</source>
        <translation>Kopieren</translation>
    </message>
    <message>
        <source>Plot its growth a second</source>
        <translation>Zuwachs je Sekunde als Diagramm</translation>
    </message>
    <message>
        <source>Plot this value</source>
        <translation>Diesen Wert als Diagramm</translation>
    </message>
    <message>
        <source>Only figures can be plotted</source>
        <translation>Nur Zahlen lassen sich als Diagramm zeigen</translation>
    </message>
    <message>
        <source>Save table</source>
        <translation>Tabelle speichern</translation>
    </message>
    <message>
        <source>CSV files (*.csv)</source>
        <translation>CSV-Dateien (*.csv)</translation>
    </message>
    <message>
        <source>Set sysctl</source>
        <translation>Sysctl setzen</translation>
    </message>
</context>
<context>
    <name>stackyard::gui::TextPanel</name>
    <message>
        <source>Mistakes in the text</source>
        <translation>Fehler im Text</translation>
    </message>
    <message>
        <source>%1:%2  %3</source>
        <translation>%1:%2  %3</translation>
    </message>
</context>
<context>
    <name>stackyard::gui::TimeBar</name>
    <message>
        <source>1/1000 ×</source>
        <translation>1/1000 ×</translation>
    </message>
    <message>
        <source>1/100 ×</source>
        <translation>1/100 ×</translation>
    </message>
    <message>
        <source>1/10 ×</source>
        <translation>1/10 ×</translation>
    </message>
    <message>
        <source>1 × real time</source>
        <translation>1 × Echtzeit</translation>
    </message>
    <message>
        <source>2 ×</source>
        <translation>2 ×</translation>
    </message>
    <message>
        <source>10 ×</source>
        <translation>10 ×</translation>
    </message>
    <message>
        <source>100 ×</source>
        <translation>100 ×</translation>
    </message>
    <message>
        <source>as fast as possible</source>
        <translation>so schnell wie möglich</translation>
    </message>
    <message>
        <source>Time</source>
        <translation>Zeit</translation>
    </message>
    <message>
        <source>Run</source>
        <translation>Start</translation>
    </message>
    <message>
        <source>Run or pause (F5)</source>
        <translation>Laufen lassen oder anhalten (F5)</translation>
    </message>
    <message>
        <source>Event</source>
        <translation>Ereignis</translation>
    </message>
    <message>
        <source>One event (F10)</source>
        <translation>Ein Ereignis (F10)</translation>
    </message>
    <message>
        <source>Packet</source>
        <translation>Paket</translation>
    </message>
    <message>
        <source>Until a frame has passed some link (F11)</source>
        <translation>Bis ein Frame irgendeine Verbindung passiert hat (F11)</translation>
    </message>
    <message>
        <source>Until…</source>
        <translation>Bis …</translation>
    </message>
    <message>
        <source>Simulated time against real time</source>
        <translation>Simulierte Zeit im Verhältnis zur Echtzeit</translation>
    </message>
    <message>
        <source>Simulated time</source>
        <translation>Simulierte Zeit</translation>
    </message>
    <message>
        <source>Pause</source>
        <translation>Pause</translation>
    </message>
    <message>
        <source>%L1 events/s   %2 × real time</source>
        <translation>%L1 Ereignisse/s   %2 × Echtzeit</translation>
    </message>
    <message>
        <source>Run until</source>
        <translation>Laufen bis</translation>
    </message>
    <message>
        <source>A time (12s), a duration (+5s), or a condition:
{table: neighbours, node: pc2, rows: "&gt;=2"}</source>
        <translation>Ein Zeitpunkt (12s), eine Dauer (+5s) oder eine Bedingung:
{table: neighbours, node: pc2, rows: "&gt;=2"}</translation>
    </message>
</context>
</TS>
