# Debian packages: haidang-agent, haidang-collector, haidang-server, haidang-central. `./dev package` makes them.
set(units ${PROJECT_SOURCE_DIR}/packaging/systemd)
set(debian ${PROJECT_SOURCE_DIR}/packaging/debian)
set(made ${PROJECT_BINARY_DIR}/package)
file(MAKE_DIRECTORY ${made})
set(CMAKE_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)

# zip(file output): as Debian wants pages and changelogs.
function(zip file output)
  if(NOT EXISTS ${output} OR ${file} IS_NEWER_THAN ${output})
    execute_process(COMMAND gzip -9nc ${file} OUTPUT_FILE ${output} COMMAND_ERROR_IS_FATAL ANY)
  endif()
endfunction()
zip(${debian}/changelog ${made}/changelog.gz)

# What every package has: doc(component page…)
function(doc component)
  foreach(page ${ARGN})
    zip(${PROJECT_SOURCE_DIR}/packaging/man/${page}.8 ${made}/${page}.8.gz)
    install(FILES ${made}/${page}.8.gz DESTINATION share/man/man8 COMPONENT ${component})
  endforeach()
  install(FILES ${debian}/copyright DESTINATION share/doc/haidang-${component} COMPONENT ${component})
  install(FILES ${made}/changelog.gz DESTINATION share/doc/haidang-${component} COMPONENT ${component})
endfunction()

# Its maintainer scripts, from packaging/debian: scripts(component says unit prepare purge), where `prepare` and `purge` name
# the files of shell that are its own.
function(scripts component SAYS UNIT prepare purge)
  set(PACKAGE haidang-${component})
  foreach(part prepare purge)
    string(TOUPPER ${part} upper)
    file(READ ${debian}/${${part}} text)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${debian}/${${part}})
    string(CONFIGURE "${text}" ${upper} @ONLY)
  endforeach()
  foreach(script postinst prerm postrm)
    configure_file(${debian}/${script}.in ${made}/${component}/${script} @ONLY
      FILE_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
    list(APPEND scripts ${made}/${component}/${script})
  endforeach()
  string(TOUPPER ${component} upper)
  set(CPACK_DEBIAN_${upper}_PACKAGE_CONTROL_EXTRA "${scripts}" CACHE INTERNAL "")
endfunction()

# A program, its unit, its sample of a configuration: daemon(component own_files groups membership), where own_files are
# what of /etc/haidang is this package's alone, the others shell that makes groups, and puts the user where it belongs.
function(daemon component OWN_FILES GROUPS MEMBERSHIP)
  install(TARGETS haidang-${component} DESTINATION bin COMPONENT ${component})
  install(FILES ${units}/haidang-${component}.service DESTINATION /lib/systemd/system COMPONENT ${component})
  install(FILES ${PROJECT_SOURCE_DIR}/packaging/sample/${component}.toml
    DESTINATION share/haidang-${component} COMPONENT ${component})
  doc(${component} haidang-${component})
  set(CONFIG ${component}.toml)
  scripts(${component} "Makes the user, its directory and a first configuration; the service starts where it is set up."
    haidang-${component}.service daemon.prepare.in daemon.purge.in)
endfunction()

# Echoes without privileges, for the agent's paths.
install(FILES ${units}/50-haidang-agent.conf DESTINATION /usr/lib/sysctl.d COMPONENT agent)

# Both read the secret that they share.
set(shared_group "if ! getent group haidang > /dev/null; then addgroup --quiet --system haidang; fi")
daemon(agent "agent.toml agent.pem agent.key" ":" ":")
foreach(component collector server)
  set(user haidang-${component})
  string(CONCAT member "usermod -a -G haidang ${user}\n"
    "  if [ ! -d /var/backups/${user} ]; then install -d -m 750 -o ${user} -g ${user} /var/backups/${user}; fi")
  daemon(${component} "${component}.toml ${component}.pem ${component}.key" "${shared_group}" "${member}")
endforeach()
install(DIRECTORY ${PROJECT_SOURCE_DIR}/packaging/data/sites ${PROJECT_SOURCE_DIR}/packaging/data/calendar
  DESTINATION share/haidang-server COMPONENT server)

install(PROGRAMS ${PROJECT_SOURCE_DIR}/packaging/setup/haidang-setup ${PROJECT_SOURCE_DIR}/packaging/setup/haidang-backup
  DESTINATION sbin COMPONENT central)
install(FILES ${PROJECT_SOURCE_DIR}/packaging/mosquitto/mosquitto.conf ${PROJECT_SOURCE_DIR}/packaging/mosquitto/haidang.acl
  DESTINATION share/haidang-central/mosquitto COMPONENT central)
install(FILES ${PROJECT_SOURCE_DIR}/packaging/sample/agent.toml DESTINATION share/haidang-central COMPONENT central)
install(FILES ${PROJECT_SOURCE_DIR}/packaging/prometheus/prometheus.yml
  DESTINATION share/haidang-central/prometheus COMPONENT central)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/dashboards/prometheus/ DESTINATION share/haidang-central/prometheus/haidang
  COMPONENT central FILES_MATCHING PATTERN "*.yml")
install(DIRECTORY ${PROJECT_SOURCE_DIR}/dashboards/alertmanager/ DESTINATION share/haidang-central/alertmanager
  COMPONENT central FILES_MATCHING PATTERN "*.yml" PATTERN "*.tmpl")
install(DIRECTORY ${PROJECT_SOURCE_DIR}/dashboards/grafana/dashboards ${PROJECT_SOURCE_DIR}/dashboards/grafana/provisioning
  DESTINATION share/haidang-central/grafana COMPONENT central)
install(FILES ${units}/mosquitto-haidang.conf DESTINATION /lib/systemd/system/mosquitto.service.d COMPONENT central RENAME haidang.conf)
install(FILES ${units}/haidang-backup.service ${units}/haidang-backup.timer DESTINATION /lib/systemd/system COMPONENT central)
# What people read, linked as in the project.
install(DIRECTORY ${PROJECT_SOURCE_DIR}/docs/ DESTINATION share/doc/haidang-central/docs COMPONENT central
  FILES_MATCHING PATTERN "*.md" PATTERN "images" EXCLUDE)
doc(central haidang-setup haidang-backup)
scripts(central "Backups each night, once the centre is set up." haidang-backup.timer central.prepare central.purge)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME haidang)
set(CPACK_PACKAGE_CONTACT "Hải Đăng <hai-dang@quang-ninh.example>")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS ${CMAKE_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS})
set(CPACK_STRIP_FILES ON)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL agent collector server central)
set(CPACK_OUTPUT_FILE_PREFIX ${PROJECT_SOURCE_DIR}/dist)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
foreach(component agent collector server central)
  string(TOUPPER ${component} upper)
  set(CPACK_DEBIAN_${upper}_PACKAGE_NAME haidang-${component})
  set(CPACK_DEBIAN_${upper}_PACKAGE_SHLIBDEPS ON)
  set(CPACK_DEBIAN_${upper}_PACKAGE_DEPENDS adduser)
endforeach()
# Libraries that the agent loads when something needs them: no linker knows of them.
set(CPACK_DEBIAN_AGENT_PACKAGE_DEPENDS "adduser, libcurl4, libpcre2-8-0, libsystemd0")
set(CPACK_DEBIAN_AGENT_PACKAGE_SUGGESTS "smartmontools, monitoring-plugins-basic")
set(CPACK_DEBIAN_CENTRAL_PACKAGE_SHLIBDEPS OFF)
set(CPACK_DEBIAN_CENTRAL_PACKAGE_ARCHITECTURE all)
set(CPACK_DEBIAN_CENTRAL_PACKAGE_DEPENDS
  "haidang-collector (>= ${PROJECT_VERSION}), haidang-server (>= ${PROJECT_VERSION}), mosquitto (>= 2.0.11), openssl, sqlite3")
set(CPACK_DEBIAN_CENTRAL_PACKAGE_RECOMMENDS "haidang-agent")
set(CPACK_DEBIAN_CENTRAL_PACKAGE_SUGGESTS "prometheus, prometheus-alertmanager")
set(CPACK_COMPONENT_AGENT_DESCRIPTION "tells the province's collector how this machine does
Reads load, disks, services and the response time of the electronic one-stop
system, keeps it on disk and sends it over MQTT until it has been stored.")
set(CPACK_COMPONENT_COLLECTOR_DESCRIPTION "collects what all machines of a province tell
Stores what the agents send, finds faults, says where the one-stop system is
slow, and answers questions of haidang-server and of Prometheus.")
set(CPACK_COMPONENT_SERVER_DESCRIPTION "pages and API for a province's operations
Shows sites, machines and journeys as the collector knows them, and keeps what
people decide: places, the inventory, objectives.")
set(CPACK_COMPONENT_CENTRAL_DESCRIPTION "centre of a province: collector, server and broker
Brings haidang-collector, haidang-server and Mosquitto; haidang-setup, which
makes the province's certificates and sets all up; and a backup each night.")
include(CPack)
