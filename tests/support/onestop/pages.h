#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/onestop/store.h"

// The stand-in's pages: plain HTML as an office system serves it. Everything is escaped here.
namespace haidang::onestop {

// Who looks: empty where nobody is signed in. `token` is the session's hidden form token.
struct Viewer {
  std::string name;
  std::string token;
};

std::string HomePage(const Viewer& viewer);
std::string SignInPage(std::string_view problem);
std::string SearchPage(const Viewer& viewer, std::string_view query,
                       const std::vector<Dossier>& found);
std::string DossierPage(const Viewer& viewer, const Dossier& dossier);
std::string NewDossierPage(const Viewer& viewer, std::string_view problem);
std::string MessagePage(std::string_view title, std::string_view text);

}  // namespace haidang::onestop
