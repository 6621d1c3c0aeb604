" Vim syntax file
" Language: Polder
" Latest version: editors/vim in Polder's repository

if exists('b:current_syntax')
  finish
endif
let s:cpo = &cpo
set cpo&vim

syn case match
syn sync fromstart

let s:name = '[A-Za-z0-9_]\+\%(-\+[A-Za-z0-9_]\+\)*'
let s:key = '[A-Za-z0-9._/-]\+'
" The name is over.
let s:over = '\%([A-Za-z0-9_]\|-\+[A-Za-z0-9_]\)\@!'
" Behind a keyword; before an arrow, a slash, a colon or a comma it is a name.
let s:word = s:over .. '\%([ \t]*\%(->\|[/:,]\)\)\@!'
" A statement ends with its line, or before a comment or a brace. `excludenl` lets the one around it end there too.
let s:end = ' excludenl end=+$+ end=+[#}]+me=s-1'

" s:Match(group, pattern, rest): of several that match at one place the last one counts.
function! s:Match(group, pattern, ...) abort
  execute 'syn match ' .. a:group .. ' +' .. a:pattern .. '+ ' .. join(a:000)
endfunction

" What goes on to the end of a statement; a word at its start is given to a group of its own.
function! s:Statement(group, word, pattern, ...) abort
  let l:start = empty(a:word) ? ' start=+' .. a:pattern .. '+rs=s'
        \ : ' matchgroup=' .. a:word .. ' start=+' .. a:pattern .. '+ matchgroup=NONE'
  execute 'syn region ' .. a:group .. l:start .. s:end .. ' ' .. join(a:000)
endfunction

syn cluster polderComments contains=polderComment,polderDoc,polderDirective
syn match polderComment +#.*$+ contains=@Spell
syn match polderDoc +##.*$+ contains=@Spell
syn match polderDirective +#[ \t]*polder:.*$+

" Marks. One at the end of a line carries the statement on below, after any comments.
syn cluster polderMarks contains=polderBreak,polderOperator,polderSeparator
syn match polderOperator +->>\?\|=+ contained
syn match polderSeparator +,+ contained
syn region polderBreak matchgroup=polderOperator start=+\%(->>\?\|=\)\ze[ \t]*\%(#\|$\)+
      \ matchgroup=NONE end=+\ze[^ \t#]+ contained contains=@polderComments
syn region polderBreak matchgroup=polderSeparator start=+,\ze[ \t]*\%(#\|$\)+
      \ matchgroup=NONE end=+\ze[^ \t#]+ contained contains=@polderComments

" Endpoints.
syn cluster polderEndpoints contains=polderEndpointSet,polderEndpoint,polderBuiltIn,polderWildcard,polderPath
call s:Match('polderEndpoint', s:name, 'contained')
call s:Match('polderBuiltIn', '\%(cluster\|internet\|anywhere\|apiserver\|nodes\)' .. s:over, 'contained')
syn match polderWildcard +\*+ contained
call s:Match('polderPath', s:name .. '\ze/', 'contained nextgroup=polderPathSlash')
syn match polderPathSlash +/+ contained nextgroup=polderEndpoint,polderWildcard,polderEndpointSet
syn region polderEndpointSet matchgroup=polderBracket start=+{+ end=+}+ contained
      \ contains=@polderComments,polderSeparator,polderEndpoint,polderBuiltIn,polderWildcard,polderPath,polderColon

" Ports.
syn cluster polderPorts contains=polderPortSet,polderPortName,polderNumber,polderContainer,polderPortWildcard
call s:Match('polderPortName', s:name, 'contained nextgroup=polderProtocolSlash')
call s:Match('polderNumber', '[0-9]\+\%(-[0-9]\+\)\?' .. s:over, 'contained nextgroup=polderProtocolSlash')
syn match polderContainer +"[^"]*"+ contained nextgroup=polderProtocolSlash
syn match polderPortWildcard +\*+ contained nextgroup=polderProtocolSlash
syn match polderProtocolSlash +/+ contained nextgroup=polderProtocol
syn match polderProtocol +[A-Za-z0-9]\++ contained
syn region polderPortSet matchgroup=polderBracket start=+{+ end=+}+ contained nextgroup=polderProtocolSlash
      \ contains=@polderComments,polderSeparator,@polderPorts
syn match polderColon +:+ contained nextgroup=@polderPorts skipwhite

" Flows: whatever begins with no keyword.
syn cluster polderHop contains=@polderMarks,@polderEndpoints,polderColon
call s:Statement('polderFlow', '', '[^ \t#}]', 'contains=@polderHop')
" Those that open one side; before an arrow the word is a name.
call s:Statement('polderOneSided', 'polderSideWord', '\%(ingress\|egress\)\ze[ \t]\+[A-Za-z0-9_{*]', 'contains=@polderHop')

syn cluster polderStatements contains=polderFlow,polderUse,polderTierWord,polderGroupWord,polderCidrWord
syn cluster polderStatements add=polderFqdnWord,polderPortsWord,polderIsolate,polderDisjoint,polderLabelWord,polderDns
syn cluster polderStatements add=polderAssertion,polderOneSided

" Blocks.
call s:Match('polderExternalWord', 'external\ze[ \t]\+namespace[ \t]\+[A-Za-z0-9_]',
      \ 'nextgroup=polderNamespaceWord skipwhite')
call s:Match('polderNamespaceWord', 'namespace\ze[ \t]\+[A-Za-z0-9_]', 'nextgroup=polderNamespace skipwhite')
call s:Match('polderNamespace', s:name,
      \ 'contained nextgroup=polderNamespaceBreak,polderNamespaceComma,polderNamespaceSelector,polderBody skipwhite')
syn match polderNamespaceComma +,+ contained nextgroup=polderNamespace skipwhite
syn region polderNamespaceBreak matchgroup=polderSeparator start=+,\ze[ \t]*\%(#\|$\)+
      \ matchgroup=NONE end=+\ze[^ \t#]+ contained contains=@polderComments nextgroup=polderNamespace
syn region polderBody matchgroup=polderBracket start=+{+ end=+}+ contained fold
      \ contains=@polderComments,@polderStatements

call s:Match('polderPlatformWord', 'platform' .. s:word, 'nextgroup=polderPlatformBody skipwhite')
syn region polderPlatformBody matchgroup=polderBracket start=+{+ end=+}+ contained fold
      \ contains=@polderComments,@polderSettings

call s:Match('polderEnvironmentWord', 'environment' .. s:word, 'nextgroup=polderEnvironment skipwhite')
call s:Match('polderEnvironment', s:name, 'contained nextgroup=polderEnvironmentBody skipwhite')
syn region polderEnvironmentBody matchgroup=polderBracket start=+{+ end=+}+ contained fold
      \ contains=@polderComments,@polderSettings,polderRename,polderCidrWord,polderFqdnWord

" Entries of `platform` and `environment`.
syn cluster polderSettings contains=polderCniWord,polderDns,polderAddresses
call s:Match('polderCniWord', 'cni' .. s:over, 'contained nextgroup=polderCni skipwhite')
call s:Match('polderCni', s:name, 'contained nextgroup=polderVersion skipwhite')
call s:Match('polderVersion', '[A-Za-z0-9._-]\+', 'contained')
call s:Statement('polderAddresses', 'polderSettingWord', '\%(apiserver\|nodes\|pods\|services\)' .. s:over,
      \ 'contained contains=@polderMarks,polderAddress')
call s:Statement('polderRename', 'polderRenameWord', 'namespace' .. s:over,
      \ 'contained contains=@polderMarks,polderRenamed,polderNamespaceSelector')
call s:Match('polderRenamed', s:name, 'contained')

" Declarations.
call s:Match('polderTierWord', 'tier' .. s:word, 'nextgroup=polderTier skipwhite')
call s:Match('polderTier', s:name, 'contained nextgroup=polderSelector,polderPortList skipwhite')
syn region polderPortList matchgroup=polderBracket start=+{+ end=+}+ contained fold
      \ contains=@polderComments,polderSeparator,@polderPorts,polderPortEntry,polderPortColon
call s:Match('polderPortEntry', s:name .. '\ze[ \t]*:', 'contained')
syn match polderPortColon +:+ contained

call s:Match('polderGroupWord', 'group' .. s:word, 'nextgroup=polderGroup skipwhite')
call s:Match('polderGroup', s:name, 'contained nextgroup=polderGroupBody skipwhite')
call s:Statement('polderGroupBody', '', '=', 'contained contains=@polderMarks,@polderEndpoints')

call s:Match('polderCidrWord', 'cidr' .. s:word, 'nextgroup=polderCidrPath,polderCidr skipwhite')
call s:Match('polderCidr', s:name, 'contained nextgroup=polderCidrBody skipwhite')
call s:Match('polderCidrPath', s:name .. '\ze/', 'contained nextgroup=polderCidrSlash')
syn match polderCidrSlash +/+ contained nextgroup=polderCidr
call s:Statement('polderCidrBody', '', '=', 'contained contains=@polderMarks,polderAddress,polderExceptWord')
syn match polderAddress +[A-Za-z0-9.:/]\++ contained
call s:Match('polderExceptWord', 'except' .. s:over, 'contained')

call s:Match('polderFqdnWord', 'fqdn' .. s:word, 'nextgroup=polderFqdnPath,polderFqdn skipwhite')
call s:Match('polderFqdn', s:name, 'contained nextgroup=polderFqdnBody skipwhite')
call s:Match('polderFqdnPath', s:name .. '\ze/', 'contained nextgroup=polderFqdnSlash')
syn match polderFqdnSlash +/+ contained nextgroup=polderFqdn
call s:Statement('polderFqdnBody', '', '=', 'contained contains=@polderMarks,polderDnsName')
syn match polderDnsName +[A-Za-z0-9._*-]\++ contained

call s:Match('polderPortsWord', 'ports' .. s:word, 'nextgroup=polderPortsName skipwhite')
call s:Match('polderPortsName', s:name, 'contained nextgroup=polderPortsBody skipwhite')
call s:Statement('polderPortsBody', '', '=', 'contained contains=@polderMarks,@polderPorts')

" Other statements.
call s:Statement('polderUse', 'polderUseWord', 'use' .. s:word, 'contains=@polderMarks,polderComponent')
call s:Match('polderComponent', s:name, 'contained')

call s:Statement('polderIsolate', 'polderIsolateWord', 'isolate' .. s:word,
      \ 'contains=@polderMarks,polderDirection,polderFor')
call s:Match('polderDirection', '\%(ingress\|egress\|none\)' .. s:over, 'contained')
call s:Statement('polderFor', 'polderForWord', 'for' .. s:over, 'contained contains=@polderMarks,polderEndpoint')

call s:Statement('polderDisjoint', 'polderDisjointWord', 'disjoint' .. s:word, 'contains=@polderMarks,polderEndpoint')

call s:Match('polderLabelWord', 'label' .. s:word, 'nextgroup=polderKey skipwhite')
call s:Match('polderKey', s:key, 'contained')

call s:Statement('polderDns', 'polderDnsWord', 'dns' .. s:word, 'contains=@polderMarks,@polderServers')
syn cluster polderServers contains=polderServer,polderServerPath,polderServerPort,polderPreset,polderServerAddress
call s:Match('polderServer', s:name, 'contained')
call s:Match('polderServerPath', s:name .. '\ze/', 'contained nextgroup=polderServerSlash')
syn match polderServerSlash +/+ contained nextgroup=polderServer
call s:Match('polderServerPort', ':[0-9]\+', 'contained contains=polderServerNumber')
syn match polderServerNumber +[0-9]\++ contained
call s:Match('polderPreset', '\%(cluster\|strict\|openshift\|any\|none\)[A-Za-z0-9._/:-]\@!', 'contained')
syn match polderServerAddress +[A-Za-z0-9_/:-]*\%(\.\|::\)[A-Za-z0-9._/:-]*+ contained

" Assertions. `except` and `through` behind an arrow are names.
call s:Statement('polderAssertion', 'polderAssertionWord', '\%(never\|only\|always\)' .. s:word,
      \ 'contains=@polderHop,polderExcept,polderThroughWord,polderArrow,polderArrowBreak,polderFirst')
call s:Statement('polderExcept', 'polderExceptWord', 'except' .. s:over, 'contained contains=@polderMarks,@polderEndpoints')
call s:Match('polderFirst', '\%(\%(never\|only\|always\)[ \t]\+\)\@32<=except' .. s:over, 'contained')
syn match polderArrow +->>\?+ contained nextgroup=polderOperand skipwhite
syn region polderArrowBreak matchgroup=polderOperator start=+->>\?\ze[ \t]*\%(#\|$\)+
      \ matchgroup=NONE end=+\ze[^ \t#]+ contained contains=@polderComments nextgroup=polderOperand
call s:Match('polderThroughWord', 'through[ \t]\+dns' .. s:over, 'contained')
call s:Match('polderOperand', '\%(except\|through\)' .. s:over, 'contained')

" Selectors.
for s:selector in ['polderSelector', 'polderNamespaceSelector']
  execute 'syn region ' .. s:selector .. ' matchgroup=polderBracket start=+(+ end=+)+ contained skipwhite'
        \ .. ' contains=@polderComments,polderSeparator,polderNot,polderWildcard,polderKey,polderCompared,polderInSet,polderValues'
        \ .. ' nextgroup=' .. (s:selector ==# 'polderSelector' ? 'polderPortList' : 'polderBody')
endfor
syn match polderNot +!+ contained
call s:Match('polderCompared', s:key .. '\ze[ \t]*[!=]=\?', 'contained nextgroup=polderComparison skipwhite')
syn match polderComparison +==\|!=\|=+ contained nextgroup=polderValue skipwhite
call s:Match('polderInSet', s:key .. '\ze[ \t]\+\%(in\|notin\)\%([ \t(]\|$\)', 'contained nextgroup=polderInWord skipwhite')
syn match polderInWord +notin\|in+ contained
syn match polderValue +[A-Za-z0-9._/:*-]\++ contained
syn region polderValues matchgroup=polderBracket start=+(+ end=+)+ contained
      \ contains=@polderComments,polderSeparator,polderValue

" Colours.
function! s:Link(target, ...) abort
  for l:group in a:000
    execute 'hi def link ' .. l:group .. ' ' .. a:target
  endfor
endfunction

call s:Link('Comment', 'polderComment')
call s:Link('SpecialComment', 'polderDoc')
call s:Link('PreProc', 'polderDirective')
call s:Link('Statement', 'polderExternalWord', 'polderNamespaceWord', 'polderPlatformWord', 'polderEnvironmentWord',
      \ 'polderUseWord', 'polderTierWord', 'polderGroupWord', 'polderCidrWord', 'polderFqdnWord', 'polderPortsWord')
call s:Link('Statement', 'polderIsolateWord', 'polderForWord', 'polderDisjointWord', 'polderSideWord', 'polderThroughWord', 'polderLabelWord', 'polderDnsWord', 'polderAssertionWord',
      \ 'polderExceptWord', 'polderInWord', 'polderCniWord', 'polderSettingWord', 'polderRenameWord')
call s:Link('Include', 'polderNamespace', 'polderPath', 'polderCidrPath', 'polderFqdnPath', 'polderServerPath',
      \ 'polderRenamed', 'polderComponent')
call s:Link('Identifier', 'polderEndpoint', 'polderTier', 'polderGroup', 'polderCidr', 'polderFqdn', 'polderServer',
      \ 'polderFirst', 'polderOperand')
call s:Link('Special', 'polderBuiltIn', 'polderWildcard', 'polderPortWildcard')
call s:Link('Label', 'polderEnvironment')
call s:Link('Type', 'polderPortName', 'polderPortEntry', 'polderPortsName')
call s:Link('Number', 'polderNumber', 'polderServerNumber', 'polderVersion')
call s:Link('Constant', 'polderProtocol', 'polderDirection', 'polderPreset', 'polderCni')
call s:Link('String', 'polderContainer', 'polderValue')
call s:Link('Float', 'polderAddress', 'polderServerAddress')
call s:Link('String', 'polderDnsName')
call s:Link('Function', 'polderKey', 'polderCompared', 'polderInSet')
call s:Link('Operator', 'polderOperator', 'polderArrow', 'polderNot', 'polderComparison')
call s:Link('Delimiter', 'polderSeparator', 'polderBracket', 'polderColon', 'polderPortColon', 'polderPathSlash',
      \ 'polderProtocolSlash', 'polderCidrSlash', 'polderFqdnSlash', 'polderServerSlash',
      \ 'polderServerPort')

delfunction s:Match
delfunction s:Statement
delfunction s:Link
unlet s:name s:key s:over s:word s:end s:selector

let b:current_syntax = 'polder'
let &cpo = s:cpo
unlet s:cpo
