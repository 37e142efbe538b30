package web

import "strings"

// browsers and systems are what a User-Agent names, by a mark that others do not
// carry before it in the list: most browsers call themselves Safari or Chrome too.
var (
	browsers = [][2]string{{"Edg", "Edge"}, {"OPR/", "Opera"}, {"SamsungBrowser/", "Samsung Internet"}, {"Firefox/", "Firefox"}, {"FxiOS/", "Firefox"}, {"CriOS/", "Chrome"},
		{"HeadlessChrome/", "Chromium"}, {"Chromium/", "Chromium"}, {"Chrome/", "Chrome"}, {"Safari/", "Safari"}}
	systems = [][2]string{{"Windows", "Windows"}, {"Android", "Android"}, {"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Mac OS X", "macOS"}, {"CrOS", "ChromeOS"}, {"Linux", "Linux"}}
)

// agentWords say in words what a browser calls itself: "Firefox on Windows". Of
// another program it is the first name; of none "".
func agentWords(agent string) string {
	find := func(list [][2]string) string {
		for _, x := range list {
			if strings.Contains(agent, x[0]) {
				return x[1]
			}
		}
		return ""
	}
	browser, system := find(browsers), find(systems)
	if browser == "" {
		name, _, _ := strings.Cut(agent, "/")
		name, _, _ = strings.Cut(name, " ")
		return cutText(name, 40)
	}
	if system == "" {
		return browser
	}
	return browser + " on " + system
}
