# Makes a C++ file that holds files as bytes. Run as a script:
#   cmake -DOUTPUT=x.cc -DROOT=server/web -DOPENAPI=server/openapi.json -P embed.cmake
# Every file below ROOT is served under its path there; a page under its address.
file(GLOB_RECURSE files RELATIVE ${ROOT} ${ROOT}/*)
list(SORT files)
set(bytes "")
set(rows "")
set(index 0)

function(type_of file result)
  if(file MATCHES "\\.html$")
    set(type "text/html; charset=utf-8")
  elseif(file MATCHES "\\.js$")
    set(type "text/javascript; charset=utf-8")
  elseif(file MATCHES "\\.css$")
    set(type "text/css; charset=utf-8")
  elseif(file MATCHES "\\.json$")
    set(type "application/json")
  elseif(file MATCHES "\\.svg$")
    set(type "image/svg+xml")
  else()
    message(FATAL_ERROR "${file}: no content type is known for it")
  endif()
  set(${result} "${type}" PARENT_SCOPE)
endfunction()

macro(embed file path)
  file(READ ${file} hex HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," hex "${hex}")
  type_of(${file} type)
  string(APPEND bytes "constexpr unsigned char kBytes${index}[] = {${hex}};\n")
  string(APPEND rows "    {\"${path}\", \"${type}\", View(kBytes${index}, sizeof(kBytes${index}))},\n")
  math(EXPR index "${index} + 1")
endmacro()

foreach(file ${files})
  if(file STREQUAL "index.html")
    embed(${ROOT}/${file} "/")
  elseif(file STREQUAL "machine.html")
    embed(${ROOT}/${file} "/machines/{machine}")
  elseif(file STREQUAL "journeys.html")
    embed(${ROOT}/${file} "/journeys")
  else()
    embed(${ROOT}/${file} "/${file}")
  endif()
endforeach()
embed(${OPENAPI} "/api/v1/openapi.json")

file(WRITE ${OUTPUT} "#include \"server/assets.h\"

namespace haidang::server {
namespace {

std::string_view View(const unsigned char* bytes, size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

${bytes}
}  // namespace

std::span<const Asset> Assets() {
  static const Asset assets[] = {
${rows}  };
  return assets;
}

}  // namespace haidang::server
")
