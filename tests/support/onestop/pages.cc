#include "tests/support/onestop/pages.h"

#include "tests/support/onestop/text.h"

namespace haidang::onestop {
namespace {

constexpr std::string_view kSystem = "Hệ thống một cửa điện tử tỉnh Quảng Ninh";

std::string Layout(const Viewer& viewer, std::string_view title, std::string_view body) {
  std::string page = "<!DOCTYPE html>\n<html lang=\"vi\"><head><meta charset=\"utf-8\"><title>";
  page += EscapeHtml(title);
  page += " – ";
  page += kSystem;
  page += "</title></head>\n<body>\n<header><h1>";
  page += kSystem;
  page += "</h1>\n<nav><a href=\"/\">Trang chủ</a> <a href=\"/tra-cuu\">Tra cứu hồ sơ</a> ";
  if (viewer.name.empty()) {
    page += "<a href=\"/dang-nhap\">Đăng nhập</a>";
  } else {
    page += "<a href=\"/ho-so/moi\">Tiếp nhận hồ sơ</a> <span>Cán bộ: " + EscapeHtml(viewer.name) +
            "</span>";
  }
  page += "</nav></header>\n<main>\n<h2>" + EscapeHtml(title) + "</h2>\n";
  page += body;
  page += "\n</main>\n<footer>Trung tâm Phục vụ hành chính công</footer>\n</body></html>\n";
  return page;
}

std::string Problem(std::string_view problem) {
  if (problem.empty()) return {};
  return "<p role=\"alert\">" + EscapeHtml(problem) + "</p>\n";
}

std::string Field(std::string_view label, std::string_view text) {
  return "<dt>" + std::string(label) + "</dt><dd>" + EscapeHtml(text) + "</dd>\n";
}

std::string Input(std::string_view label, std::string_view name, std::string_view type) {
  return "<p><label>" + std::string(label) + " <input name=\"" + std::string(name) + "\" type=\"" +
         std::string(type) + "\" required></label></p>\n";
}

}  // namespace

std::string HomePage(const Viewer& viewer) {
  return Layout(viewer, "Trang chủ",
                "<p>Tiếp nhận, xử lý và trả kết quả hồ sơ của công dân.</p>\n"
                "<form action=\"/tra-cuu\"><input name=\"q\" placeholder=\"Họ tên, mã hồ sơ\">"
                "<button>Tra cứu</button></form>");
}

std::string SignInPage(std::string_view problem) {
  return Layout({}, "Đăng nhập",
                Problem(problem) + "<form method=\"post\" action=\"/dang-nhap\">\n" +
                    Input("Tên đăng nhập", "ten", "text") +
                    Input("Mật khẩu", "mat-khau", "password") +
                    "<button>Đăng nhập</button></form>");
}

std::string SearchPage(const Viewer& viewer, std::string_view query,
                       const std::vector<Dossier>& found) {
  std::string body = "<form action=\"/tra-cuu\"><input name=\"q\" value=\"" + EscapeHtml(query) +
                     "\"><button>Tra cứu</button></form>\n";
  body += "<p>Kết quả tra cứu: <output id=\"so-ket-qua\">" + std::to_string(found.size()) +
          "</output> hồ sơ.</p>\n<table>\n<tr><th>Mã hồ sơ</th><th>Người nộp</th><th>Thủ tục</th>"
          "<th>Ngày nhận</th><th>Hẹn trả</th><th>Trạng thái</th></tr>\n";
  for (const auto& dossier : found) {
    body += "<tr><td><a href=\"/ho-so/" + std::to_string(dossier.id) + "\">" +
            EscapeHtml(dossier.code) + "</a></td><td>" + EscapeHtml(dossier.applicant) +
            "</td><td>" + EscapeHtml(dossier.procedure) + "</td><td>" +
            EscapeHtml(dossier.received) + "</td><td>" + EscapeHtml(dossier.due) + "</td><td>" +
            EscapeHtml(dossier.status) + "</td></tr>\n";
  }
  return Layout(viewer, "Tra cứu hồ sơ", body + "</table>");
}

std::string DossierPage(const Viewer& viewer, const Dossier& dossier) {
  return Layout(viewer, "Hồ sơ " + dossier.code,
                "<dl>\n" + Field("Người nộp", dossier.applicant) +
                    Field("Thủ tục", dossier.procedure) + Field("Trạng thái", dossier.status) +
                    Field("Ngày nhận", dossier.received) + Field("Ngày hẹn trả", dossier.due) +
                    Field("Ghi chú", dossier.note) + "</dl>");
}

std::string NewDossierPage(const Viewer& viewer, std::string_view problem) {
  return Layout(viewer, "Tiếp nhận hồ sơ",
                Problem(problem) +
                    "<form method=\"post\" action=\"/ho-so\">\n"
                    "<input type=\"hidden\" name=\"ma-bao-ve\" value=\"" +
                    EscapeHtml(viewer.token) + "\">\n" + Input("Người nộp", "nguoi-nop", "text") +
                    Input("Thủ tục", "thu-tuc", "text") + Input("Ghi chú", "ghi-chu", "text") +
                    "<button>Nộp hồ sơ</button></form>");
}

std::string MessagePage(std::string_view title, std::string_view text) {
  return Layout({}, title, "<p>" + EscapeHtml(text) + "</p>");
}

}  // namespace haidang::onestop
